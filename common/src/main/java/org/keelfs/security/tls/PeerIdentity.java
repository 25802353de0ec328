package org.keelfs.security.tls;

import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.security.cert.CertificateEncodingException;
import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import java.util.HexFormat;
import java.util.Locale;
import javax.naming.InvalidNameException;
import javax.naming.ldap.LdapName;

/**
 * Who a certificate says its holder is.
 *
 * @param role the organisational unit of the subject
 * @param commonName the common name of the subject
 * @param fingerprint SHA-256 of the encoded certificate, lower-case hex
 */
public record PeerIdentity(Role role, String commonName, String fingerprint) {
    /** Reads it from a certificate whose chain was verified before. */
    public static PeerIdentity of(X509Certificate certificate) throws CertificateException {
        String subject = certificate.getSubjectX500Principal().getName();
        String role = null;
        String commonName = null;
        try {
            for (var rdn : new LdapName(subject).getRdns()) {
                switch (rdn.getType().toUpperCase(Locale.ROOT)) {
                    case "OU" -> role = rdn.getValue().toString();
                    case "CN" -> commonName = rdn.getValue().toString();
                    default -> {}
                }
            }
        } catch (InvalidNameException e) {
            throw new CertificateException("unreadable subject " + subject, e);
        }
        if (role == null || commonName == null) {
            throw new CertificateException("subject without OU (the role) or CN: " + subject);
        }
        return new PeerIdentity(roleOf(role, subject), commonName, fingerprintOf(certificate));
    }

    private static Role roleOf(String name, String subject) throws CertificateException {
        for (Role role : Role.values()) {
            if (role.name().equalsIgnoreCase(name)) {
                return role;
            }
        }
        throw new CertificateException("no such role in subject " + subject);
    }

    private static String fingerprintOf(X509Certificate certificate)
            throws CertificateEncodingException {
        try {
            var sha256 = MessageDigest.getInstance("SHA-256");
            return HexFormat.of().formatHex(sha256.digest(certificate.getEncoded()));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has SHA-256", e);
        }
    }
}
