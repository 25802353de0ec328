package org.keelfs.security.tls;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PrivateKey;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Base64;

/**
 * What a process proves itself with, and whom it believes.
 *
 * @param authority the cluster's CA
 * @param certificate of this process, signed by it
 * @param key of that certificate
 */
public record TlsIdentity(X509Certificate authority, X509Certificate certificate, PrivateKey key) {
    private static final String KEY_BEGIN = "-----BEGIN PRIVATE KEY-----";
    private static final String KEY_END = "-----END PRIVATE KEY-----";

    /**
     * Reads PEM files as {@code keelfs pki} writes them.
     *
     * @throws IOException whose message names the file and what is wrong with it
     */
    public static TlsIdentity load(Path authority, Path certificate, Path key) throws IOException {
        return new TlsIdentity(
                readCertificate(authority), readCertificate(certificate), readKey(key));
    }

    /** Who this process is to its peers. */
    public PeerIdentity self() {
        try {
            return PeerIdentity.of(certificate);
        } catch (GeneralSecurityException e) {
            throw new IllegalArgumentException("certificate of no use here: " + e.getMessage(), e);
        }
    }

    /** Reads one certificate in PEM. */
    public static X509Certificate readCertificate(Path file) throws IOException {
        byte[] pem = read(file);
        try {
            return (X509Certificate)
                    CertificateFactory.getInstance("X.509")
                            .generateCertificate(new ByteArrayInputStream(pem));
        } catch (GeneralSecurityException e) {
            throw new IOException(file + " is not a certificate: " + e.getMessage(), e);
        }
    }

    /** Reads an EC key in PEM (PKCS#8). */
    public static PrivateKey readKey(Path file) throws IOException {
        String pem = new String(read(file), StandardCharsets.US_ASCII);
        int begin = pem.indexOf(KEY_BEGIN);
        int end = pem.indexOf(KEY_END);
        if (begin < 0 || end < begin) {
            throw new IOException(file + " is not a private key in PEM");
        }
        try {
            byte[] der =
                    Base64.getMimeDecoder().decode(pem.substring(begin + KEY_BEGIN.length(), end));
            return KeyFactory.getInstance("EC").generatePrivate(new PKCS8EncodedKeySpec(der));
        } catch (IllegalArgumentException | GeneralSecurityException e) {
            throw new IOException(file + " is not an EC private key: " + e.getMessage(), e);
        }
    }

    private static byte[] read(Path file) throws IOException {
        try {
            return Files.readAllBytes(file);
        } catch (NoSuchFileException e) {
            throw new IOException("no such file: " + file, e);
        }
    }
}
