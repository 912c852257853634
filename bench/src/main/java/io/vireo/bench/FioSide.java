package io.vireo.bench;

import java.nio.file.Path;

/** fio on a file, without any virtualization. */
record FioSide(Path file, BlkDriver.Load load) implements Side {
    @Override
    public String name() {
        return "fio";
    }

    @Override
    public void resume() {
        // Each window is a process of its own.
    }

    @Override
    public void pause() {
        // It has ended.
    }

    @Override
    public double window(double seconds) {
        return Fio.run(file, load, seconds) / 1000;
    }
}
