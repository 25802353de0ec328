package org.keelfs.security.tls;

import io.netty.handler.ssl.ClientAuth;
import io.netty.handler.ssl.OpenSsl;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.handler.ssl.SslProvider;
import java.io.IOException;
import javax.net.ssl.SSLException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Contexts for both ends: TLS 1.3 only, certificates on both sides. Host names are not compared
 * with certificates: a peer is who the cluster's CA says it is, wherever it runs, and its role is
 * checked by whoever connects.
 *
 * @param client for connections made
 * @param server for connections accepted
 */
public record TlsContexts(SslContext client, SslContext server) {
    private static final Logger LOG = LoggerFactory.getLogger(TlsContexts.class);

    private static final String PROTOCOL = "TLSv1.3";

    /**
     * Makes both contexts.
     *
     * @throws IOException when certificate and key are of no use together
     */
    public static TlsContexts of(TlsIdentity identity) throws IOException {
        SslProvider provider = provider();
        try {
            var client =
                    SslContextBuilder.forClient()
                            .keyManager(identity.key(), identity.certificate())
                            .endpointIdentificationAlgorithm(null);
            var server =
                    SslContextBuilder.forServer(identity.key(), identity.certificate())
                            .clientAuth(ClientAuth.REQUIRE);
            return new TlsContexts(
                    finish(client, identity, provider), finish(server, identity, provider));
        } catch (IllegalArgumentException | SSLException e) {
            throw new IOException("cannot set up TLS with this certificate: " + e.getMessage(), e);
        }
    }

    private static SslContext finish(
            SslContextBuilder builder, TlsIdentity identity, SslProvider provider)
            throws SSLException {
        return builder.sslProvider(provider)
                .protocols(PROTOCOL)
                .trustManager(identity.authority())
                .build();
    }

    private static SslProvider provider() {
        if (OpenSsl.isAvailable()) {
            return SslProvider.OPENSSL;
        }
        LOG.warn(
                "the native TLS library does not load here ({}); using the JDK's, which is several times slower",
                String.valueOf(OpenSsl.unavailabilityCause()));
        return SslProvider.JDK;
    }
}
