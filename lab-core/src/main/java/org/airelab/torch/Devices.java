package org.airelab.torch;

import ai.djl.Device;
import ai.djl.engine.Engine;
import org.airelab.base.UserError;

/** Devices as users name them: {@code auto}, {@code cpu}, {@code cuda} or {@code cuda:1}. */
public final class Devices {
    private Devices() {
    }

    /**
     * The device of that name; {@code auto} is the first GPU where libtorch sees one and the variable LAB_DEVICE is not
     * {@code cpu}, else the CPU.
     */
    public static Device parse(String name) {
        if (!name.matches("auto|cpu|cuda(:\\d{1,4})?")) {
            throw UserError.badInput("unknown device " + name + "; known are auto, cpu, cuda and cuda:N",
                    "Name one of them, or leave it at auto.");
        }
        boolean alone = name.equals("auto") && "cpu".equals(System.getenv("LAB_DEVICE"));
        int gpus = name.equals("cpu") || alone ? 0 : Engine.getInstance().getGpuCount();
        if (name.equals("cpu") || name.equals("auto") && gpus == 0) {
            return Device.cpu();
        }
        if (name.equals("auto")) {
            return Device.gpu(0);
        }
        int index = name.equals("cuda") ? 0 : Integer.parseInt(name.substring("cuda:".length()));
        if (index >= gpus) {
            throw UserError.machine("device " + name + " is not there: libtorch sees "
                    + (gpus == 0 ? "no GPU" : gpus + (gpus == 1 ? " GPU" : " GPUs")),
                    "Run 'lab doctor' to see what is missing, or use --device cpu.");
        }
        return Device.gpu(index);
    }

    /** A device's name as {@link #parse} reads it: cpu, or cuda:0. */
    public static String name(Device device) {
        return device.isGpu() ? "cuda:" + device.getDeviceId() : "cpu";
    }
}
