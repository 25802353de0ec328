package org.keelfs.security.pki;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.keelfs.security.tls.Role;
import org.keelfs.security.tls.TlsIdentity;

class CertificateAuthorityTest {
    @TempDir Path directory;

    @Test
    void whatIsIssuedCanBeLoadedAndSaysWhoItIs() throws Exception {
        CertificateAuthority.create(directory);
        var authority = CertificateAuthority.load(directory);
        var issued = authority.issue("node7", Role.NODE, List.of("keel.example", "10.1.2.3"));
        var loaded =
                TlsIdentity.load(
                        directory.resolve("ca.crt"),
                        directory.resolve("node7.crt"),
                        directory.resolve("node7.key"));
        assertEquals(issued.certificate(), loaded.certificate());
        assertArrayEquals(issued.key().getEncoded(), loaded.key().getEncoded());
        assertEquals(Role.NODE, loaded.self().role());
        assertEquals("node7", loaded.self().commonName());
        loaded.certificate().verify(authority.certificate().getPublicKey());
        var names =
                loaded.certificate().getSubjectAlternativeNames().stream()
                        .map(name -> name.get(1).toString())
                        .collect(Collectors.toSet());
        assertTrue(names.contains("localhost"));
        assertTrue(names.contains("127.0.0.1"));
        assertTrue(names.contains("keel.example"));
        assertTrue(names.contains("10.1.2.3"));
    }

    @Test
    void keysAreForTheirOwnerOnlyAndNothingIsLeftBeside() throws Exception {
        CertificateAuthority.create(directory).issue("client1", Role.CLIENT, List.of());
        for (var key : List.of("ca.key", "client1.key")) {
            assertEquals(
                    "rw-------",
                    PosixFilePermissions.toString(
                            Files.getPosixFilePermissions(directory.resolve(key))));
        }
        try (var files = Files.list(directory)) {
            assertEquals(4, files.count());
        }
    }

    @Test
    void anAuthorityIsNeverReplaced() throws Exception {
        CertificateAuthority.create(directory);
        assertThrows(
                FileAlreadyExistsException.class, () -> CertificateAuthority.create(directory));
    }

    @Test
    void badNamesAreRefused() throws Exception {
        var authority = CertificateAuthority.create(directory);
        for (var name : List.of("", "ca", "../x", "a b", "a=b", ".hidden")) {
            assertThrows(
                    IOException.class, () -> authority.issue(name, Role.CLIENT, List.of()), name);
        }
    }

    @Test
    void filesThatAreNotWhatTheyShouldBeAreNamed() throws Exception {
        CertificateAuthority.create(directory);
        var missing = directory.resolve("nobody.crt");
        assertNames(missing, () -> TlsIdentity.readCertificate(missing));
        assertNames(missing, () -> TlsIdentity.readKey(missing));
        var nonsense = Files.writeString(directory.resolve("nonsense"), "nonsense");
        assertNames(nonsense, () -> TlsIdentity.readCertificate(nonsense));
        assertNames(nonsense, () -> TlsIdentity.readKey(nonsense));
        var broken =
                Files.writeString(
                        directory.resolve("broken.key"),
                        "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n");
        assertNames(broken, () -> TlsIdentity.readKey(broken));
    }

    private static void assertNames(Path file, org.junit.jupiter.api.function.Executable load) {
        var failure = assertThrows(IOException.class, load);
        assertTrue(failure.getMessage().contains(file.toString()), failure.getMessage());
    }
}
