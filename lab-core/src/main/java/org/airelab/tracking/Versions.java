package org.airelab.tracking;

import java.io.IOException;
import java.io.InputStream;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import org.airelab.cli.Version;

/** Versions of the software a run uses. */
public final class Versions {
    private static final String ENGINE = "pytorch-engine.properties";

    private Versions() {
    }

    /** lab, java, djl and libtorch; the last two as DJL would load them, where it is on the class path. */
    public static Map<String, String> detect() {
        Map<String, String> versions = new LinkedHashMap<>();
        versions.put("lab", Version.lab());
        versions.put("java", Runtime.version() + " (" + System.getProperty("java.vendor") + ")");
        property("djl_version").ifPresent(version -> versions.put("djl", version));
        Optional.ofNullable(System.getenv("PYTORCH_VERSION")).or(() -> property("pytorch_version"))
                .ifPresent(version -> versions.put("libtorch", version));
        return versions;
    }

    private static Optional<String> property(String key) {
        try (InputStream in = Versions.class.getClassLoader().getResourceAsStream(ENGINE)) {
            if (in == null) {
                return Optional.empty();
            }
            Properties properties = new Properties();
            properties.load(in);
            return Optional.ofNullable(properties.getProperty(key));
        } catch (IOException e) {
            return Optional.empty();
        }
    }
}
