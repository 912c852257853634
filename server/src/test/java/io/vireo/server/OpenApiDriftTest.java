package io.vireo.server;

import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.api.OpenApi;
import io.vireo.control.KindRegistry;
import io.vireo.resource.ResourceKind;
import java.io.File;
import java.io.IOException;
import java.lang.module.ModuleDescriptor;
import java.lang.module.ModuleFinder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

/**
 * The committed description of the interface is that of the kinds that ship; docs/api.md tells how
 * to write it anew.
 */
final class OpenApiDriftTest {
    private static final Path COMMITTED = Path.of("../api/openapi.json");

    @Test
    void theCommittedDescriptionIsUpToDate() throws IOException, ReflectiveOperationException {
        String document = OpenApi.document(new KindRegistry(kinds()));
        if (Boolean.getBoolean("vireo.openapi.write")) {
            Files.writeString(COMMITTED, document);
        }

        assertThat(document).isEqualTo(Files.readString(COMMITTED));
    }

    /**
     * Tests run on the class path, where providers are named by the module descriptors that lie
     * beside the classes.
     */
    private static List<ResourceKind<?>> kinds() throws ReflectiveOperationException {
        List<ResourceKind<?>> kinds = new ArrayList<>();
        for (String entry : providers()) {
            kinds.add((ResourceKind<?>) Class.forName(entry).getConstructor().newInstance());
        }
        assertThat(kinds)
                .extracting(ResourceKind::kind)
                .contains("Network", "Vnic", "ServerProfile");
        return kinds;
    }

    private static List<String> providers() {
        Path[] path =
                Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator))
                        .filter(entry -> entry.contains("vireo") || entry.contains("classes"))
                        .map(Path::of)
                        .filter(Files::exists)
                        .toArray(Path[]::new);
        return Arrays.stream(path)
                .flatMap(entry -> ModuleFinder.of(entry).findAll().stream())
                .map(module -> module.descriptor())
                .filter(descriptor -> descriptor.name().startsWith("io.vireo."))
                .distinct()
                .flatMap(descriptor -> descriptor.provides().stream())
                .filter(provides -> provides.service().equals(ResourceKind.class.getName()))
                .map(ModuleDescriptor.Provides::providers)
                .flatMap(List::stream)
                .distinct()
                .toList();
    }
}
