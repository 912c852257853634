package io.vireo.device.virtio.blk;

import io.vireo.block.BlockDevice;
import io.vireo.block.ExclusiveUse;
import io.vireo.reactor.Reactor;
import io.vireo.reactor.ReactorGroup;
import io.vireo.resource.Column;
import io.vireo.resource.DurableState;
import io.vireo.resource.Metadata;
import io.vireo.resource.Realization;
import io.vireo.resource.RealizeContext;
import io.vireo.resource.Reference;
import io.vireo.resource.ResourceKind;
import io.vireo.resource.RuntimeDirectory;
import io.vireo.resource.Status;
import io.vireo.resource.UpdateResult;
import io.vireo.resource.spec.Kinds;
import io.vireo.resource.spec.SocketMode;
import io.vireo.resource.spec.VdiskAttachmentSpec;
import io.vireo.transport.Endpoint;
import io.vireo.transport.EndpointSpec;
import io.vireo.transport.FrontEndStatus;
import io.vireo.transport.VirtioTransport;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** A vDisk plugged into a server: a {@link VirtioBlkDevice} that is presented. */
public final class VdiskAttachmentKind implements ResourceKind<VdiskAttachmentSpec> {
    @Override
    public String kind() {
        return Kinds.VDISK_ATTACHMENT;
    }

    @Override
    public String plural() {
        return "vdiskattachments";
    }

    @Override
    public String description() {
        return "A virtual disk plugged into a server, as a virtio block device. Derived from a ServerProfile.";
    }

    @Override
    public Class<VdiskAttachmentSpec> specType() {
        return VdiskAttachmentSpec.class;
    }

    @Override
    public boolean derived() {
        return true;
    }

    @Override
    public List<Reference> references(VdiskAttachmentSpec spec) {
        return List.of(new Reference(Kinds.VDISK, spec.vdisk()));
    }

    @Override
    public List<Column<VdiskAttachmentSpec>> columns() {
        return List.of(
                Column.of("VDISK", (spec, _) -> spec.vdisk()),
                Column.of("SERIAL", (spec, _) -> spec.serial()),
                Column.attribute("STATE", FrontEndStatus.STATE),
                Column.wideAttribute("READ-LATENCY", VdiskAttachment.READ_LATENCY),
                Column.wideAttribute("WRITE-LATENCY", VdiskAttachment.WRITE_LATENCY),
                Column.wideAttribute("SOCKET", Status.SOCKET));
    }

    @Override
    public Realization realize(
            Metadata metadata, VdiskAttachmentSpec spec, RealizeContext context) {
        var vdisk = new Reference(Kinds.VDISK, spec.vdisk());
        BlockDevice block = context.require(vdisk, BlockDevice.class);
        ExclusiveUse use = context.require(vdisk, ExclusiveUse.class);
        Path socket =
                spec.socketPath()
                        .map(Path::of)
                        .orElseGet(() ->
                                context.service(RuntimeDirectory.class)
                                        .socket(spec.profile(), spec.device()));
        ReactorGroup reactors = context.service(ReactorGroup.class);
        VirtioTransport transport = context.service(VirtioTransport.class);
        ExclusiveUse.Claim claim = use.claim(metadata.name(), spec.readOnly());
        VirtioBlkDevice device = null;
        try {
            device =
                    new VirtioBlkDevice(
                            metadata.name(),
                            block,
                            spec.readOnly(),
                            spec.serial(),
                            owners(block, reactors, spec.queues()),
                            record(metadata, context));
            boolean listen = spec.socketMode() == SocketMode.SERVER;
            Endpoint endpoint =
                    transport.present(device, new EndpointSpec(metadata.name(), socket, listen));
            endpoint.onChange(context.statusChanged());
            return new VdiskAttachment(spec, socket, device, endpoint, claim);
        } catch (RuntimeException e) {
            if (device != null) {
                device.close();
            }
            claim.release();
            throw e;
        }
    }

    private static WritebackRecord record(Metadata metadata, RealizeContext context) {
        return new WritebackRecord(context.service(DurableState.class), metadata.uid());
    }

    @Override
    public void destroy(Metadata metadata, VdiskAttachmentSpec spec, RealizeContext context) {
        record(metadata, context).on();
    }

    private static List<Reactor> owners(BlockDevice block, ReactorGroup reactors, int queues) {
        var owners = new ArrayList<Reactor>(queues);
        for (int i = 0; i < queues; i++) {
            owners.add(block.home().orElseGet(reactors::next));
        }
        return owners;
    }

    @Override
    public Optional<String> restarts(VdiskAttachmentSpec oldSpec, VdiskAttachmentSpec newSpec) {
        boolean bootOrderOnly =
                new VdiskAttachmentSpec(
                                newSpec.profile(),
                                newSpec.device(),
                                newSpec.vdisk(),
                                newSpec.serial(),
                                newSpec.readOnly(),
                                newSpec.queues(),
                                oldSpec.bootOrder(),
                                newSpec.socketMode(),
                                newSpec.socketPath())
                        .equals(oldSpec);
        return bootOrderOnly
                ? Optional.empty()
                : Optional.of("a disk that is plugged in keeps its shape");
    }

    @Override
    public UpdateResult update(
            Realization running,
            Metadata metadata,
            VdiskAttachmentSpec oldSpec,
            VdiskAttachmentSpec newSpec,
            RealizeContext context) {
        return UpdateResult.IN_PLACE;
    }
}
