package org.keelfs.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class OwnerTest {
    @TempDir Path temp;

    @Test
    void isWhoRunsThisProcess() throws Exception {
        Path made = Files.createFile(temp.resolve("made"));
        Owner owner = Owner.ofThisProcess();
        assertEquals(Files.getAttribute(made, "unix:uid"), owner.uid());
        assertEquals(Files.getAttribute(made, "unix:gid"), owner.gid());
    }

    @Test
    void readsNumbersUpToTheLast() {
        assertEquals(new Owner(1000, 0xFFFFFFFE), Owner.parse("1000:4294967294"));
    }
}
