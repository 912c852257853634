package io.vireo.control.reconcile;

import io.vireo.control.Services;
import io.vireo.resource.ErrorCode;
import io.vireo.resource.Progress;
import io.vireo.resource.Realization;
import io.vireo.resource.RealizeContext;
import io.vireo.resource.Reference;
import io.vireo.resource.ResourceException;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Function;

/**
 * What a kind sees while it works on one resource.
 *
 * @param told of progress
 * @param running the realization of a resource, if it runs and is not being stopped
 */
record Context(
        Reference subject,
        Services services,
        boolean provisioned,
        Runnable statusChanged,
        Consumer<Progress> told,
        Function<Reference, Optional<Realization>> running)
        implements RealizeContext {
    @Override
    public <T> T require(Reference reference, Class<T> contract) {
        Realization realization =
                running.apply(reference)
                        .orElseThrow(() ->
                                new ResourceException(
                                        ErrorCode.NOT_READY, subject + " waits for " + reference));
        return realization
                .contract(contract)
                .orElseThrow(() ->
                        new ResourceException(
                                ErrorCode.INVALID,
                                reference
                                        + " is no "
                                        + contract.getSimpleName()
                                        + ", which "
                                        + subject
                                        + " needs; refer to another resource"));
    }

    @Override
    public void progress(Progress progress) {
        told.accept(progress);
    }

    @Override
    public <T> T service(Class<T> type) {
        return services.find(type)
                .orElseThrow(() ->
                        new ResourceException(
                                ErrorCode.UNSUPPORTED,
                                "this daemon was started without "
                                        + type.getSimpleName()
                                        + ", which "
                                        + subject
                                        + " needs"));
    }
}
