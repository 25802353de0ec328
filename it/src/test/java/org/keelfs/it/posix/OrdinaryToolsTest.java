package org.keelfs.it.posix;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import org.junit.jupiter.api.Test;

/** Ordinary tools do ordinary work on the mount. */
class OrdinaryToolsTest extends MountTest {
    /** Some thousand files of all kinds and sizes in {@code $LOCAL/tree}, always the same. */
    private static final String MAKE_TREE =
            """
            mkdir -p $LOCAL/tree && pushd $LOCAL/tree >/dev/null
            awk 'BEGIN {
                srand(7)
                for (d = 0; d < 40; d++) {
                    dir = "d" d % 7 "/e" d
                    system("mkdir -p " dir)
                    for (f = 0; f < 60; f++) {
                        file = dir "/file-" f ".txt"
                        lines = int(rand() * rand() * 200)
                        for (l = 0; l < lines; l++) printf "%d %d %x\\n", d, l, rand() * 1e9 > file
                        if (lines == 0) printf "" > file
                        close(file)
                    }
                }
            }'
            head -c 3000000 /dev/zero | openssl enc -aes-128-ctr -pass pass:7 -nosalt >big 2>/dev/null
            for i in $(seq 50); do ln -s ../d$((i % 7))/e$i link-$i; ln d1/e1/file-$i.txt hard-$i; done
            mkfifo pipe; chmod 640 d1/e1/*; chmod 2775 d2; touch -d '2001-02-03 04:05:06.789' big
            truncate -s 1M sparse; printf x | dd of=sparse bs=1 seek=500000 conv=notrunc status=none
            popd >/dev/null
            """;

    @Test
    void treesAreUnpackedCopiedComparedSynchronisedAndRemoved() {
        onMount(MAKE_TREE + "tar --format=posix -C $LOCAL -cf $LOCAL/tree.tar tree");
        onMount(
                "tar -xpf $LOCAL/tree.tar; diff -r --exclude pipe --no-dereference tree $LOCAL/tree",
                LONG);
        onMount("cp -a tree copy; diff -r --exclude pipe --no-dereference copy $LOCAL/tree", LONG);
        String kinds = "find . -printf '%p %y %m %n %U %G %l %T@\\n' | sort";
        onMount(
                "cmp <(cd copy; "
                        + kinds
                        + ") <(cd $LOCAL/tree; "
                        + kinds
                        + "); test $(find copy -type f | wc -l) -ge 2400; "
                        + "grep -rl '^7 ' copy | sort | cmp - <(cd $LOCAL; mv tree copy; grep -rl '^7 ' copy | sort; mv copy tree)",
                LONG);
        onMount("rsync -aH $LOCAL/tree/ synced; rsync -aH tree/ synced", LONG);
        assertEquals("", onMount("rsync -anci $LOCAL/tree/ synced", LONG));
        onMount("rm -rf tree copy synced; test -z \"$(ls -A)\"", LONG);
    }

    @Test
    void gitKeepsARepository() {
        String log =
                onMount(
                        """
                        git init -q repo; cd repo; git config user.name t; git config user.email t@t
                        for i in $(seq 300); do mkdir -p d$((i % 9)); seq $i >d$((i % 9))/f$i; done
                        git add .; git commit -q -m one
                        echo more >>d7/f7; git rm -q d1/f1; git mv d2/f2 d3/; git commit -q -a -m two
                        git branch side HEAD~1; git checkout -q side; echo side >s; git add s
                        git commit -q -m side; git merge -q -m merged master 2>/dev/null ||
                            git merge -q -m merged main
                        git gc -q; git fsck --strict 2>&1; git status --porcelain; git log --format=%s
                        git clone -q . ../clone; cd ../clone; git fsck 2>&1; diff -r --exclude .git . ../repo
                        """,
                        LONG);
        assertEquals(List.of("merged", "one", "side", "two"), log.lines().sorted().toList());
    }

    @Test
    void aProgramOfSeveralFilesIsCompiledAndRuns() {
        String said =
                onMount(
                        """
                        for i in $(seq 12); do
                            echo "int f$i(int x) { return x + $i; }" >f$i.c
                        done
                        {
                            echo '#include <stdio.h>'
                            for i in $(seq 12); do echo "int f$i(int);"; done
                            echo 'int main(void) { int x = 0;'
                            for i in $(seq 12); do echo "x = f$i(x);"; done
                            echo 'printf("%d\\n", x); }'
                        } >main.c
                        for i in f*.c main.c; do echo $i; done | xargs -P 3 -n 4 gcc -c
                        ar rcs lib.a f*.o; gcc -o program main.o lib.a; ./program
                        gcc -shared -fPIC -o libf.so f*.c; gcc -o dynamic main.c -L. -lf -Wl,-rpath,.; ./dynamic
                        """,
                        LONG);
        assertEquals("78\n78\n", said);
    }

    @Test
    void sqliteKeepsADatabaseWithSeveralWriters() {
        String said =
                onMount(
                        """
                        sqlite3 db 'pragma journal_mode=wal; create table t(a integer primary key, w, b);' >/dev/null
                        for w in 1 2 3; do
                            for i in $(seq 25); do
                                echo ".timeout 60000"
                                echo "insert into t(w, b) values($w, hex(randomblob(2000)));"
                            done | sqlite3 db &
                            writers+=($!)
                        done
                        for writer in ${writers[@]}; do wait $writer; done
                        sqlite3 db 'begin; update t set b = b || b where a % 3 = 0; commit; delete from t where a % 7 = 0; vacuum;'
                        sqlite3 db 'pragma integrity_check; select count(*), count(distinct w) from t; pragma wal_checkpoint(truncate);'
                        sqlite3 db 'pragma journal_mode=delete; create index i on t(b); pragma integrity_check;'
                        """,
                        LONG);
        assertEquals(List.of("ok", "65|3", "0|0|0", "delete", "ok"), said.lines().toList());
    }
}
