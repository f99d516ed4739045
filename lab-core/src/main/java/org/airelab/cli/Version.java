package org.airelab.cli;

import java.io.IOException;
import java.io.InputStream;
import java.util.Properties;
import picocli.CommandLine.IVersionProvider;

/** The version the build wrote into {@code version.properties}. */
public final class Version implements IVersionProvider {
    /** The lab's version, such as 1.2.0 or 1.3.0-SNAPSHOT. */
    public static String lab() {
        var properties = new Properties();
        try (InputStream in = Version.class.getResourceAsStream("version.properties")) {
            properties.load(in);
        } catch (IOException e) {
            throw new IllegalStateException("version.properties is not beside " + Version.class, e);
        }
        return properties.getProperty("version");
    }

    @Override
    public String[] getVersion() {
        return new String[] {"lab " + lab(), "Java " + Runtime.version() + ", " + System.getProperty("java.vm.name")};
    }
}
