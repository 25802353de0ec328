package org.keelfs.security.pki;

import java.io.IOException;
import java.io.StringWriter;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.SecureRandom;
import java.security.cert.X509Certificate;
import java.security.spec.ECGenParameterSpec;
import java.time.Duration;
import java.time.Instant;
import java.util.Date;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.asn1.x500.X500NameBuilder;
import org.bouncycastle.asn1.x500.style.BCStyle;
import org.bouncycastle.asn1.x509.BasicConstraints;
import org.bouncycastle.asn1.x509.ExtendedKeyUsage;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.GeneralName;
import org.bouncycastle.asn1.x509.GeneralNames;
import org.bouncycastle.asn1.x509.KeyPurposeId;
import org.bouncycastle.asn1.x509.KeyUsage;
import org.bouncycastle.cert.CertIOException;
import org.bouncycastle.cert.jcajce.JcaX509CertificateConverter;
import org.bouncycastle.cert.jcajce.JcaX509ExtensionUtils;
import org.bouncycastle.cert.jcajce.JcaX509v3CertificateBuilder;
import org.bouncycastle.operator.OperatorCreationException;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;
import org.bouncycastle.util.IPAddress;
import org.bouncycastle.util.io.pem.PemObject;
import org.bouncycastle.util.io.pem.PemWriter;
import org.keelfs.security.tls.Role;
import org.keelfs.security.tls.TlsIdentity;

/**
 * A cluster's certificate authority: EC P-256, kept in a directory.
 *
 * <pre>
 * ca.crt    the authority's certificate, for everybody
 * ca.key    its key (0600), needed only to issue
 * NAME.crt  a certificate that it issued
 * NAME.key  the key of that (0600)
 * </pre>
 */
public final class CertificateAuthority {
    /** How long a new authority holds. Replacing it means new certificates for every process. */
    public static final Duration AUTHORITY_VALIDITY = Duration.ofDays(20 * 365);

    /** How long certificates hold unless told otherwise: shorter than their authority. */
    public static final Duration CERTIFICATE_VALIDITY = Duration.ofDays(5 * 365);

    /** Clocks of a cluster's machines may differ by this much when a certificate is new. */
    private static final Duration BACKDATED = Duration.ofHours(1);

    private static final String SIGNATURE = "SHA256withECDSA";
    private static final String AUTHORITY = "ca";
    private static final int SERIAL_BITS = 127;

    private final Path directory;
    private final X509Certificate certificate;
    private final PrivateKey key;
    private final SecureRandom random = new SecureRandom();

    private CertificateAuthority(Path directory, X509Certificate certificate, PrivateKey key) {
        this.directory = directory;
        this.certificate = certificate;
        this.key = key;
    }

    /** Whether the directory holds an authority. */
    public static boolean exists(Path directory) {
        return Files.exists(directory.resolve("ca.crt"))
                && Files.exists(directory.resolve("ca.key"));
    }

    /**
     * Makes a new authority; the directory is created if need be.
     *
     * @throws FileAlreadyExistsException when there is one: it is never replaced
     */
    public static CertificateAuthority create(Path directory) throws IOException {
        if (exists(directory)) {
            throw new FileAlreadyExistsException(
                    directory.resolve("ca.crt").toString(), null, "there is an authority already");
        }
        Files.createDirectories(directory);
        try {
            KeyPair pair = keyPair();
            var random = new SecureRandom();
            var subject =
                    new X500NameBuilder()
                            .addRDN(BCStyle.O, "Keelfs")
                            .addRDN(BCStyle.CN, "Keelfs CA " + Long.toHexString(random.nextLong()))
                            .build();
            Instant now = Instant.now();
            var builder =
                    new JcaX509v3CertificateBuilder(
                            subject,
                            new BigInteger(SERIAL_BITS, random),
                            Date.from(now.minus(BACKDATED)),
                            Date.from(now.plus(AUTHORITY_VALIDITY)),
                            subject,
                            pair.getPublic());
            var extensions = new JcaX509ExtensionUtils();
            builder.addExtension(Extension.basicConstraints, true, new BasicConstraints(0));
            builder.addExtension(
                    Extension.keyUsage,
                    true,
                    new KeyUsage(KeyUsage.keyCertSign | KeyUsage.cRLSign));
            builder.addExtension(
                    Extension.subjectKeyIdentifier,
                    false,
                    extensions.createSubjectKeyIdentifier(pair.getPublic()));
            X509Certificate certificate = sign(builder, pair.getPrivate());
            write(directory, AUTHORITY, certificate, pair.getPrivate());
            return new CertificateAuthority(directory, certificate, pair.getPrivate());
        } catch (GeneralSecurityException | OperatorCreationException | CertIOException e) {
            throw new IOException("cannot make a certificate authority: " + e.getMessage(), e);
        }
    }

    /**
     * Opens the authority of a directory.
     *
     * @throws IOException whose message names the file and what is wrong with it
     */
    public static CertificateAuthority load(Path directory) throws IOException {
        return new CertificateAuthority(
                directory,
                TlsIdentity.readCertificate(directory.resolve("ca.crt")),
                TlsIdentity.readKey(directory.resolve("ca.key")));
    }

    /** The authority's own certificate. */
    public X509Certificate certificate() {
        return certificate;
    }

    /** Issues with the usual validity; see {@link #issue(String, Role, List, Instant, Instant)}. */
    public TlsIdentity issue(String name, Role role, List<String> hosts) throws IOException {
        Instant now = Instant.now();
        return issue(name, role, hosts, now.minus(BACKDATED), now.plus(CERTIFICATE_VALIDITY));
    }

    /**
     * Issues a certificate and writes NAME.crt and NAME.key, replacing older ones of that name.
     *
     * @param name common name and file name: letters, digits, dot, dash, underscore
     * @param hosts names and addresses besides localhost and the loopback addresses
     * @param from first moment at which it holds
     * @param to last moment
     */
    public TlsIdentity issue(String name, Role role, List<String> hosts, Instant from, Instant to)
            throws IOException {
        if (!name.matches("[A-Za-z0-9][A-Za-z0-9._-]{0,63}") || name.equals(AUTHORITY)) {
            throw new IOException(
                    "bad certificate name '"
                            + name
                            + "': letters, digits, '.', '-', '_', not 'ca'");
        }
        try {
            KeyPair pair = keyPair();
            X509Certificate issued = certify(name, role, hosts, from, to, pair.getPublic());
            write(directory, name, issued, pair.getPrivate());
            return new TlsIdentity(certificate, issued, pair.getPrivate());
        } catch (GeneralSecurityException | OperatorCreationException | CertIOException e) {
            throw new IOException(
                    "cannot issue a certificate for " + name + ": " + e.getMessage(), e);
        }
    }

    private X509Certificate certify(
            String name,
            Role role,
            List<String> hosts,
            Instant from,
            Instant to,
            PublicKey publicKey)
            throws GeneralSecurityException, OperatorCreationException, CertIOException {
        var subject =
                new X500NameBuilder()
                        .addRDN(BCStyle.O, "Keelfs")
                        .addRDN(BCStyle.OU, role.name())
                        .addRDN(BCStyle.CN, name)
                        .build();
        var builder =
                new JcaX509v3CertificateBuilder(
                        X500Name.getInstance(certificate.getSubjectX500Principal().getEncoded()),
                        new BigInteger(SERIAL_BITS, random),
                        Date.from(from),
                        Date.from(to),
                        subject,
                        publicKey);
        var extensions = new JcaX509ExtensionUtils();
        builder.addExtension(Extension.basicConstraints, true, new BasicConstraints(false));
        builder.addExtension(Extension.keyUsage, true, new KeyUsage(KeyUsage.digitalSignature));
        builder.addExtension(
                Extension.extendedKeyUsage,
                false,
                new ExtendedKeyUsage(
                        new KeyPurposeId[] {
                            KeyPurposeId.id_kp_serverAuth, KeyPurposeId.id_kp_clientAuth
                        }));
        builder.addExtension(
                Extension.authorityKeyIdentifier,
                false,
                extensions.createAuthorityKeyIdentifier(certificate));
        builder.addExtension(Extension.subjectAlternativeName, false, alternativeNames(hosts));
        return sign(builder, key);
    }

    private static GeneralNames alternativeNames(List<String> hosts) {
        Set<String> all = new LinkedHashSet<>(List.of("localhost", "127.0.0.1", "::1"));
        all.addAll(hosts);
        return new GeneralNames(
                all.stream()
                        .map(
                                host ->
                                        new GeneralName(
                                                IPAddress.isValid(host)
                                                        ? GeneralName.iPAddress
                                                        : GeneralName.dNSName,
                                                host))
                        .toArray(GeneralName[]::new));
    }

    private static KeyPair keyPair() throws GeneralSecurityException {
        var generator = KeyPairGenerator.getInstance("EC");
        generator.initialize(new ECGenParameterSpec("secp256r1"));
        return generator.generateKeyPair();
    }

    private static X509Certificate sign(JcaX509v3CertificateBuilder builder, PrivateKey key)
            throws GeneralSecurityException, OperatorCreationException {
        var signer = new JcaContentSignerBuilder(SIGNATURE).build(key);
        return new JcaX509CertificateConverter().getCertificate(builder.build(signer));
    }

    private static void write(
            Path directory, String name, X509Certificate certificate, PrivateKey key)
            throws IOException, GeneralSecurityException {
        // The key first: a certificate without its key would look complete.
        writePem(directory.resolve(name + ".key"), "PRIVATE KEY", key.getEncoded(), "rw-------");
        writePem(
                directory.resolve(name + ".crt"),
                "CERTIFICATE",
                certificate.getEncoded(),
                "rw-r--r--");
    }

    /** Whole or not at all: written beside, then renamed; never readable by others in between. */
    private static void writePem(Path file, String type, byte[] der, String permissions)
            throws IOException {
        var text = new StringWriter();
        try (var pem = new PemWriter(text)) {
            pem.writeObject(new PemObject(type, der));
        }
        Path beside = file.resolveSibling(file.getFileName() + ".new");
        Files.deleteIfExists(beside);
        Files.createFile(
                beside,
                PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString(permissions)));
        Files.write(
                beside,
                text.toString().getBytes(StandardCharsets.US_ASCII),
                StandardOpenOption.SYNC);
        Files.move(
                beside, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    }
}
