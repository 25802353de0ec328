package org.keelfs.it.posix;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

/** A database server has its data on the mount, is killed under load, and has lost nothing. */
class PostgreSqlTest extends MountTest {
    /**
     * As root the server runs as another user, as it refuses root. It talks over a socket of the
     * test alone, and ends with the script.
     */
    private static final String SERVER =
            """
            bin=$(ls -d /usr/lib/postgresql/*/bin | tail -n 1)
            as=(); [ $(id -u) -ne 0 ] || as=(setpriv --reuid nobody --regid nogroup --clear-groups env HOME=/)
            mkdir data $LOCAL/socket; [ $(id -u) -ne 0 ] || chown nobody:nogroup data $LOCAL/socket
            export PGHOST=$LOCAL/socket PGUSER=keeper PGDATABASE=postgres PGDATA=$PWD/data
            trap '"${as[@]}" $bin/pg_ctl -s -m immediate stop >/dev/null 2>&1 || true' EXIT
            start() { "${as[@]}" $bin/pg_ctl -s -w -t 60 -l $LOCAL/socket/log \\
                -o "-c listen_addresses= -c unix_socket_directories=$PGHOST -c shared_buffers=16MB" start; }
            ask() { $bin/psql -X -A -t -c "$1"; }
            "${as[@]}" $bin/initdb -U keeper -A trust -k >$LOCAL/initdb.log
            start; $bin/pgbench -q -i -s 2 >/dev/null 2>&1
            """;

    @Test
    void postgresqlLosesNothingThatWasCommittedWhenItIsKilled() {
        String said =
                onMount(
                        SERVER
                                + """
                                $bin/pgbench -n -c 4 -j 2 -t 150 >$LOCAL/first 2>&1
                                grep -o '600/600' $LOCAL/first
                                $bin/pgbench -n -c 4 -j 2 -T 60 -l --log-prefix=$LOCAL/told >/dev/null 2>&1 & load=$!
                                for i in $(seq 600); do
                                    sleep 0.1; [ $(ask 'select count(*) from pgbench_history') -lt 900 ] || break
                                done
                                kill -9 $(head -n 1 data/postmaster.pid); wait $load || true
                                # Until the last process of the old server is gone the new one refuses to start.
                                for i in $(seq 100); do if start 2>/dev/null; then break; fi; sleep 0.1; done
                                # A line of the log is a transaction of which the program was told that it is committed.
                                told=$(cat $LOCAL/told* | wc -l)
                                count=$(ask 'select count(*) from pgbench_history')
                                [ $told -ge 200 ]; [ $count -ge $((600 + told)) ]; [ $count -le $((604 + told)) ]
                                ask 'select sum(abalance) = (select sum(delta) from pgbench_history),
                                        sum(abalance) = (select sum(tbalance) from pgbench_tellers),
                                        sum(abalance) = (select sum(bbalance) from pgbench_branches) from pgbench_accounts'
                                ask 'create extension amcheck; select count(bt_index_check(indexrelid, true)) > 0
                                        from pg_index where indrelid::regclass::text like $$pgbench%$$ and indisprimary' | tail -n 1
                                "${as[@]}" $bin/pg_ctl -s -w -m fast stop; "${as[@]}" $bin/pg_checksums -c | grep -c 'Bad checksums:  0'
                                """,
                        LONG);
        assertEquals("600/600\nt|t|t\nt\n1\n", said);
    }
}
