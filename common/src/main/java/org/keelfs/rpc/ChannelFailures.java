package org.keelfs.rpc;

import io.netty.channel.ConnectTimeoutException;
import io.netty.handler.codec.DecoderException;
import java.io.IOException;
import java.net.ConnectException;
import java.net.NoRouteToHostException;
import java.nio.channels.ClosedChannelException;
import java.security.cert.CertPathValidatorException;
import java.security.cert.CertificateException;
import java.util.Locale;
import javax.net.ssl.SSLException;
import org.keelfs.wire.GarbledFrameException;

/** What exceptions of a channel mean, in one line for people. */
final class ChannelFailures {
    private ChannelFailures() {}

    static Throwable rootOf(Throwable failure) {
        Throwable t = failure;
        while (t instanceof DecoderException && t.getCause() != null) {
            t = t.getCause();
        }
        return t;
    }

    /**
     * Whether the two sides cannot agree on who they are, which another attempt does not change. A
     * connection that merely ended in the middle of TLS is not that.
     */
    static boolean isAboutCertificates(Throwable failure) {
        Throwable root = rootOf(failure);
        if (!(root instanceof SSLException)) {
            return false;
        }
        for (Throwable t = root; t != null; t = t.getCause()) {
            if (t instanceof CertPathValidatorException || t instanceof CertificateException) {
                return true;
            }
        }
        String message = String.valueOf(root.getMessage()).toLowerCase(Locale.ROOT);
        return message.contains("alert") || message.contains("certificate");
    }

    static String describe(Throwable failure) {
        Throwable root = rootOf(failure);
        for (Throwable t = root; t != null; t = t.getCause()) {
            if (t instanceof CertPathValidatorException || t instanceof CertificateException) {
                return deepest(t);
            }
        }
        return switch (root) {
            case ClosedChannelException _ -> "connection closed";
            case ConnectTimeoutException _ -> "no answer to an attempt to connect";
            case NoRouteToHostException _ -> "no route to host";
            case ConnectException e when isUnreachable(e) -> "network is unreachable";
            case ConnectException _ -> "connection refused";
            case SSLException e -> "TLS: " + readable(String.valueOf(e.getMessage()));
            case GarbledFrameException e -> "nonsense received: " + e.getMessage();
            case IOException e -> String.valueOf(e.getMessage());
            default -> root.toString();
        };
    }

    private static boolean isUnreachable(ConnectException failure) {
        return String.valueOf(failure.getMessage()).contains("unreachable");
    }

    /**
     * BoringSSL says error:100000c0:SSL
     * routines:OPENSSL_internal:PEER_DID_NOT_RETURN_A_CERTIFICATE.
     */
    private static String readable(String message) {
        int reason = message.lastIndexOf(':') + 1;
        return message.startsWith("error:")
                ? message.substring(reason).replace('_', ' ').toLowerCase(Locale.ROOT)
                : message;
    }

    private static String deepest(Throwable failure) {
        Throwable t = failure;
        while (t.getCause() != null) {
            t = t.getCause();
        }
        return "certificate: " + t.getMessage();
    }
}
