package io.vireo.fabric.storage.transfer;

import io.vireo.block.ExclusiveUse;
import io.vireo.resource.Metric;
import io.vireo.resource.Progress;
import io.vireo.resource.Quantity;
import io.vireo.resource.Realization;
import io.vireo.resource.Status;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/** An export that runs or is finished. It holds the vDisk until then. */
final class Export implements Realization {
    private final String file;
    private final AtomicBoolean released = new AtomicBoolean();
    private final ExclusiveUse.@Nullable Claim claim;
    private @Nullable Transfer transfer;

    private Export(String file, ExclusiveUse.@Nullable Claim claim) {
        this.file = file;
        this.claim = claim;
    }

    /** One whose file is there already. */
    static Export finished(String file) {
        return new Export(file, null);
    }

    static Export start(
            String name,
            String file,
            Optional<Quantity> rate,
            Transfer.Work work,
            ExclusiveUse.Claim claim,
            Runnable statusChanged) {
        var export = new Export(file, claim);
        var transfer =
                new Transfer(
                        "export-" + name,
                        rate,
                        running -> {
                            work.run(running);
                            export.release();
                        },
                        statusChanged);
        export.transfer = transfer;
        transfer.start();
        return export;
    }

    private void release() {
        if (claim != null && released.compareAndSet(false, true)) {
            claim.release();
        }
    }

    @Override
    public <T> Optional<T> contract(Class<T> type) {
        return Optional.empty();
    }

    @Override
    public Status status() {
        var attributes = new LinkedHashMap<String, String>();
        attributes.put("file", file);
        if (transfer == null) {
            attributes.put(Progress.PROGRESS, "100%");
            return new Status(List.of(), attributes, List.of());
        }
        Transfer.Progress progress = transfer.progress();
        if (progress.done()) {
            attributes.put(Progress.PROGRESS, "100%");
        } else {
            Progress.describe(List.of(progress.of("export")), attributes);
        }
        return new Status(
                progress.conditions("Exporting", "The file is being written."),
                attributes,
                List.of(
                        Metric.gauge("size_bytes", "Size of the vDisk.", progress.size()),
                        Metric.gauge(
                                "done_bytes",
                                "How much of it has been looked at.",
                                progress.copied())));
    }

    @Override
    public void close(Runnable onClosed) {
        if (transfer == null) {
            onClosed.run();
            return;
        }
        transfer.stop(() -> {
            release();
            onClosed.run();
        });
    }
}
