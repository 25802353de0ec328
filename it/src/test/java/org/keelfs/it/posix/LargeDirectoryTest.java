package org.keelfs.it.posix;

import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A directory of many entries: made by several processes, listed, read from cookies, removed. */
@Timeout(value = 240, unit = TimeUnit.MINUTES, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class LargeDirectoryTest extends MountTest {
    /** For a long run: {@code -Dkeelfs.posix.entries=1000000}. */
    private static final int ENTRIES = Integer.getInteger("keelfs.posix.entries", 20_000);

    /** A second for each 100, which is a tenth of what a busy machine does. The test ends by it. */
    private static final Duration TIMEOUT = Duration.ofSeconds(60 + ENTRIES / 100);

    @Test
    void everyEntryIsListedOnceAndCookiesOutliveTheirHandle() {
        onMount(
                "entries="
                        + ENTRIES
                        + """

                mkdir d; cd d
                for p in 0 1 2 3; do
                    perl -e 'for (my $i = $ARGV[0]; $i < $ARGV[1]; $i += 4) {
                        sysopen(my $f, "n$i", 0301) or die "n$i: $!" }' $p $entries &
                done
                for job in $(jobs -p); do wait $job; done
                perl -e '
                    my $n = shift; my %seen; my @cookies; my $at = 0;
                    opendir(my $d, ".") or die;
                    while (defined(my $name = readdir($d))) {
                        next if $name =~ /^\\./; die "$name twice" if $seen{$name};
                        $seen{$name} = ++$at; push @cookies, [telldir($d), $at] if $at % int($n / 10) == 0;
                    }
                    closedir($d); die "$at of $n" if $at != $n;
                    # Between the readings entries go, and others come.
                    my %gone; for (keys %seen) { if (rand() < 0.02) { unlink($_) or die "unlink: $!"; $gone{$_} = 1 } }
                    for (1..100) { sysopen(my $f, "new$_", 0301) or die "new$_: $!" }
                    for my $cookie (@cookies) {
                        my %again; opendir($d, ".") or die; seekdir($d, $cookie->[0]);
                        while (defined(my $name = readdir($d))) { die "$name again twice" if $again{$name}++ }
                        closedir($d);
                        for (keys %seen) {
                            my $wanted = $seen{$_} > $cookie->[1] && !$gone{$_};
                            die "$_ from $cookie->[1]: $seen{$_}" if !!$again{$_} != !!$wanted;
                        }
                        for (1..100) { die "new$_ is not behind" if !$again{"new$_"} }
                    }' $entries
                cd ..; rm -rf d; ! test -e d
                """,
                TIMEOUT);
    }
}
