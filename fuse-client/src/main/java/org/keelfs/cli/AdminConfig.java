package org.keelfs.cli;

import java.nio.file.Path;
import org.keelfs.config.Setting;

/**
 * Where the metadata server is and what an administrator proves himself with.
 *
 * @param metadataHost of the metadata server
 * @param metadataPort of the metadata server
 * @param ca certificate of the cluster's authority
 * @param cert certificate with the role ADMIN
 * @param key of that certificate
 */
record AdminConfig(
        @Setting(doc = "Host of the metadata server.", value = "127.0.0.1") String metadataHost,
        @Setting(doc = "Port of the metadata server.") int metadataPort,
        @Setting(doc = "Certificate of the cluster's authority, PEM.") Path ca,
        @Setting(doc = "Certificate of the administrator, PEM.") Path cert,
        @Setting(doc = "Key of that certificate, PEM.") Path key) {}
