package io.vireo.systest;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The demonstration as a test: the same scenario on the same examples, with assertions. */
@Tag("endurance")
class MainJobIT {
    @Test
    @Timeout(900)
    void guestsKeepTheirCardsAndDisksAcrossRestarts() {
        Bed bed = Bed.prepare(Path.of(".."), "main-job");
        try (var daemon = new Daemon(bed)) {
            daemon.start();
            daemon.apply(Examples.localCopy(bed));
            try (var job = new MainJob(bed, daemon, Examples.PROFILES, System.out::println)) {
                Report report = job.run();

                System.out.println(report.table());
                assertThat(report.recovered().orElse(0)).isPositive();
                assertThat(report.servers())
                        .allSatisfy(entry -> {
                            var found =
                                    new Host.Identity(entry.seen().mac(), entry.seen().serial());
                            assertThat(found).isEqualTo(entry.identity());
                            assertThat(entry.seen().diskMib()).isEqualTo(1024);
                            assertThat(entry.endurance().files()).isPositive();
                        });
            }
        }
    }
}
