package org.keelfs.node;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.keelfs.config.ConfigException;
import org.keelfs.config.ConfigFile;

final class StorageNodeConfigTest {
    private static StorageNodeConfig with(Map<String, String> changed) throws IOException {
        var settings = new TreeMap<String, String>();
        for (String path : new String[] {"data-dir", "ca", "cert", "key"}) {
            settings.put(path, "/nowhere");
        }
        settings.put("name", "node1");
        settings.put("metadata-port", "1");
        settings.putAll(changed);
        return ConfigFile.conclude(StorageNodeConfig.class, settings, Map.of(), "test");
    }

    @Test
    void clientsAreToldTheAddressListenedOnUnlessThereIsAnother() throws IOException {
        assertEquals("127.0.0.1", with(Map.of()).reachableHost());
        assertEquals("192.0.2.7", with(Map.of("host", "192.0.2.7")).reachableHost());
        assertEquals(
                "192.0.2.7",
                with(Map.of("host", "0.0.0.0", "advertised-host", "192.0.2.7")).reachableHost());
    }

    @Test
    void allAddressesAreNoneThatClientsCouldBeTold() {
        for (String wildcard : new String[] {"0.0.0.0", "::"}) {
            var refused = assertThrows(ConfigException.class, () -> with(Map.of("host", wildcard)));
            assertTrue(refused.getMessage().contains("advertised-host"), refused::getMessage);
        }
    }
}
