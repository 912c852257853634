package io.vireo.adapter.file;

class ThreadIoTest extends ImageContract {
    @Override
    protected HostIoSource engines() {
        return ThreadIo::acquire;
    }

    @Override
    protected boolean allocatesNothing() {
        // Handing work to other threads allocates where they contend.
        return false;
    }
}
