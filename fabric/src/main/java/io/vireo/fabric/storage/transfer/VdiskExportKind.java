package io.vireo.fabric.storage.transfer;

import io.vireo.block.BlockDevice;
import io.vireo.block.DiskImages;
import io.vireo.block.ExclusiveUse;
import io.vireo.reactor.ReactorGroup;
import io.vireo.resource.Column;
import io.vireo.resource.ErrorCode;
import io.vireo.resource.Metadata;
import io.vireo.resource.Progress;
import io.vireo.resource.Rates;
import io.vireo.resource.Realization;
import io.vireo.resource.RealizeContext;
import io.vireo.resource.Reference;
import io.vireo.resource.ResourceException;
import io.vireo.resource.ResourceKind;
import io.vireo.resource.UpdateResult;
import io.vireo.resource.Violation;
import io.vireo.resource.spec.Kinds;
import io.vireo.resource.spec.VdiskExportSpec;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** A copy of a vDisk to an image file. Deleting it ends the copy; a file that is finished stays. */
public final class VdiskExportKind implements ResourceKind<VdiskExportSpec> {
    @Override
    public String kind() {
        return Kinds.VDISK_EXPORT;
    }

    @Override
    public String plural() {
        return "vdiskexports";
    }

    @Override
    public List<String> shortNames() {
        return List.of("export");
    }

    @Override
    public String description() {
        return "A copy of a virtual disk to an image file of the host, raw or qcow2. A finished file stays when it is deleted.";
    }

    @Override
    public Class<VdiskExportSpec> specType() {
        return VdiskExportSpec.class;
    }

    @Override
    public List<Reference> references(VdiskExportSpec spec) {
        return List.of(vdisk(spec));
    }

    private static Reference vdisk(VdiskExportSpec spec) {
        return new Reference(Kinds.VDISK, spec.vdisk());
    }

    @Override
    public List<Violation> validate(Metadata metadata, VdiskExportSpec spec) {
        var violations = new ArrayList<Violation>();
        Rates.checkBytes("/spec/rate", spec.rate(), violations);
        return violations;
    }

    @Override
    public List<Violation> validateUpdate(
            Metadata metadata, VdiskExportSpec oldSpec, VdiskExportSpec newSpec) {
        return Violation.ofChange("/spec", oldSpec, newSpec, "make another VdiskExport");
    }

    @Override
    public List<Column<VdiskExportSpec>> columns() {
        List<Column<VdiskExportSpec>> columns = new ArrayList<>();
        columns.add(Column.of("VDISK", (spec, _) -> spec.vdisk()));
        columns.add(Column.of("FILE", (spec, _) -> spec.file()));
        columns.add(
                Column.of("FORMAT", (spec, _) -> spec.format().name().toLowerCase(Locale.ROOT)));
        columns.addAll(Progress.columns());
        return columns;
    }

    @Override
    public Realization realize(Metadata metadata, VdiskExportSpec spec, RealizeContext context) {
        DiskImages images = context.service(DiskImages.class);
        String file = images.location(spec.file());
        if (images.exists(spec.file())) {
            if (context.provisioned()) {
                return Export.finished(file);
            }
            throw new ResourceException(
                    ErrorCode.CONFLICT,
                    file + " exists already; move it away, or give another file name");
        }
        BlockDevice device = context.require(vdisk(spec), BlockDevice.class);
        ExclusiveUse.Claim claim =
                context.require(vdisk(spec), ExclusiveUse.class)
                        .claimOnceFree("export " + metadata.name(), true);
        var reactor = device.home().orElseGet(context.service(ReactorGroup.class)::next);
        var work = new ExportWork(images, spec, device, reactor);
        return Export.start(
                metadata.name(), file, spec.rate(), work, claim, context.statusChanged());
    }

    @Override
    public UpdateResult update(
            Realization running,
            Metadata metadata,
            VdiskExportSpec oldSpec,
            VdiskExportSpec newSpec,
            RealizeContext context) {
        return UpdateResult.IN_PLACE;
    }
}
