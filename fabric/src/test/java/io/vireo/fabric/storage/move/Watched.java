package io.vireo.fabric.storage.move;

import java.util.concurrent.CompletableFuture;

/** Waits for what a mover tells. */
class Watched implements Mover.Listener {
    final CompletableFuture<Boolean> converged = new CompletableFuture<>();
    final CompletableFuture<Boolean> held = new CompletableFuture<>();
    final CompletableFuture<String> failed = new CompletableFuture<>();

    @Override
    public void converged() {
        converged.complete(true);
    }

    @Override
    public void held() {
        held.complete(true);
    }

    @Override
    public void failed(String why, boolean noSpace) {
        failed.complete(why);
    }
}
