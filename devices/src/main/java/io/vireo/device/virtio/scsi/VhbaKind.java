package io.vireo.device.virtio.scsi;

import io.vireo.block.BlockDevice;
import io.vireo.block.BlockRatePolicy;
import io.vireo.block.DiskIdentity;
import io.vireo.block.ExclusiveUse;
import io.vireo.block.PooledVolume;
import io.vireo.device.scsi.ScsiUnits;
import io.vireo.reactor.ReactorGroup;
import io.vireo.resource.Column;
import io.vireo.resource.ErrorCode;
import io.vireo.resource.Metadata;
import io.vireo.resource.Realization;
import io.vireo.resource.RealizeContext;
import io.vireo.resource.Reference;
import io.vireo.resource.ResourceException;
import io.vireo.resource.ResourceKind;
import io.vireo.resource.RuntimeDirectory;
import io.vireo.resource.Status;
import io.vireo.resource.UpdateResult;
import io.vireo.resource.Violation;
import io.vireo.resource.spec.AdminState;
import io.vireo.resource.spec.Kinds;
import io.vireo.resource.spec.SocketMode;
import io.vireo.resource.spec.VhbaSpec;
import io.vireo.scsi.ScsiInitiator;
import io.vireo.transport.Endpoint;
import io.vireo.transport.EndpointSpec;
import io.vireo.transport.FrontEndStatus;
import io.vireo.transport.VirtioTransport;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** A virtual host bus adapter: vDisks behind a {@link VirtioScsiDevice} that is presented. */
public final class VhbaKind implements ResourceKind<VhbaSpec> {
    @Override
    public String kind() {
        return Kinds.VHBA;
    }

    @Override
    public String plural() {
        return "vhbas";
    }

    @Override
    public List<String> shortNames() {
        return List.of("vhba", "hba");
    }

    @Override
    public String description() {
        return "A virtual host bus adapter: a SCSI target with vDisks as its logical units, presented as a virtio"
                + " SCSI host adapter.";
    }

    @Override
    public Class<VhbaSpec> specType() {
        return VhbaSpec.class;
    }

    @Override
    public List<Reference> references(VhbaSpec spec) {
        return spec.references();
    }

    private static Reference vdisk(String name) {
        return new Reference(Kinds.VDISK, name);
    }

    @Override
    public List<Violation> validate(Metadata metadata, VhbaSpec spec) {
        return spec.violations("/spec");
    }

    @Override
    public List<Column<VhbaSpec>> columns() {
        return List.of(
                Column.of("LUNS", (spec, _) -> Integer.toString(spec.luns().size())),
                Column.attribute("STATE", FrontEndStatus.STATE),
                Column.attribute("LINK", Vhba.ADMIN_STATE),
                Column.attribute("WWPN", Vhba.WWPN),
                Column.wideAttribute("ACCESS", Vhba.ACCESS),
                Column.wide("QOS", (spec, _) -> spec.qosPolicy().orElse("-")),
                Column.wideAttribute("READ-LATENCY", Vhba.READ_LATENCY),
                Column.wideAttribute("WRITE-LATENCY", Vhba.WRITE_LATENCY),
                Column.wideAttribute("IQN", Vhba.IQN),
                Column.wideAttribute("SOCKET", Status.SOCKET));
    }

    @Override
    public Realization realize(Metadata metadata, VhbaSpec spec, RealizeContext context) {
        VhbaIdentity identity = VhbaIdentity.of(spec);
        Path socket =
                spec.socketPath()
                        .map(Path::of)
                        .orElseGet(() ->
                                socket(context.service(RuntimeDirectory.class), metadata.name()));
        var transport = context.service(VirtioTransport.class);
        ReactorGroup reactors = context.service(ReactorGroup.class);
        ScsiUnits.Hba hba =
                context.service(ScsiUnits.class)
                        .open(metadata.name(), identity.wwpn(), identity.wwnn());
        try {
            hba.access(spec.access());
            hba.link(spec.adminState() == AdminState.UP);
            hba.queueDepth(spec.queueDepth());
            hba.map(luns(spec, context));
            hba.rates(policy(spec, context));
            var device =
                    new VirtioScsiDevice(
                            metadata.name(),
                            hba.target(),
                            new ScsiInitiator.FibreChannel(identity.wwpn()),
                            hba.port(),
                            hba.target().home().orElseGet(reactors::next),
                            spec.queues());
            device.link().timeout(spec.linkDownTimeout());
            boolean listen = spec.socketMode() == SocketMode.SERVER;
            Endpoint endpoint =
                    transport.present(device, new EndpointSpec(metadata.name(), socket, listen));
            endpoint.onChange(context.statusChanged());
            return new Vhba(spec, identity, socket, hba, device, endpoint);
        } catch (IllegalArgumentException e) {
            hba.close(() -> {});
            throw new ResourceException(
                    ErrorCode.INVALID, "it cannot have its rates: " + e.getMessage(), e);
        } catch (RuntimeException e) {
            hba.close(() -> {});
            throw e;
        }
    }

    private static Optional<BlockRatePolicy> policy(VhbaSpec spec, RealizeContext context) {
        return spec.qosPolicy()
                .map(name ->
                        context.require(
                                new Reference(Kinds.DISK_QOS_POLICY, name), BlockRatePolicy.class));
    }

    private static Path socket(RuntimeDirectory directory, String name) {
        int dot = name.indexOf('.');
        return dot < 0
                ? directory.root().resolve("vhba." + name + ".sock")
                : directory.socket(name.substring(0, dot), name.substring(dot + 1));
    }

    private static List<ScsiUnits.Lun> luns(VhbaSpec spec, RealizeContext context) {
        var luns = new ArrayList<ScsiUnits.Lun>();
        for (VhbaSpec.Lun lun : spec.luns()) {
            Reference vdisk = vdisk(lun.vdisk());
            var disk =
                    new ScsiUnits.Disk(
                            lun.vdisk(),
                            context.require(vdisk, DiskIdentity.class).unique(),
                            context.require(vdisk, BlockDevice.class),
                            context.require(vdisk, ExclusiveUse.class),
                            context.require(vdisk, PooledVolume.class).pool());
            luns.add(
                    new ScsiUnits.Lun(
                            lun.lun(), disk, lun.readOnly(), lun.boot(), lun.removable()));
        }
        return luns;
    }

    @Override
    public Optional<String> restarts(VhbaSpec oldSpec, VhbaSpec newSpec) {
        return !oldSpec.isSameDevice(newSpec)
                ? Optional.of("a vHBA that is plugged in keeps its identity and shape")
                : Optional.empty();
    }

    @Override
    public UpdateResult update(
            Realization running,
            Metadata metadata,
            VhbaSpec oldSpec,
            VhbaSpec newSpec,
            RealizeContext context) {
        Optional<BlockRatePolicy> policy = policy(newSpec, context);
        try {
            ((Vhba) running).change(newSpec, luns(newSpec, context), policy);
            return UpdateResult.IN_PLACE;
        } catch (IllegalArgumentException e) {
            return new UpdateResult.Refused(e.getMessage() + ".");
        }
    }
}
