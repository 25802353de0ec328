package org.keelfs.security.tls;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.netty.handler.ssl.OpenSsl;
import io.netty.handler.ssl.SslProvider;
import org.junit.jupiter.api.Test;

final class NativeTlsTest {
    @Test
    void boringSslLoadsAndSpeaksTls13() {
        assertTrue(OpenSsl.isAvailable(), () -> String.valueOf(OpenSsl.unavailabilityCause()));
        assertEquals("BoringSSL", OpenSsl.versionString());
        assertTrue(SslProvider.isTlsv13Supported(SslProvider.OPENSSL));
    }
}
