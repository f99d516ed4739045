package org.airelab.kernels.cuda;

/** A resource in the context of a device. */
abstract class DeviceResource extends CudaResource {
    private final CudaDevice device;

    /** Makes the device's context current, for the constructors below to make the resource in. */
    DeviceResource(CudaDevice device) {
        device.requireOpen();
        device.enter();
        this.device = device;
    }

    /** The device it is on. */
    public final CudaDevice device() {
        return device;
    }

    /** To be called when the driver has made the resource: it now holds the device's context. */
    final void made() {
        device.retain();
        opened();
    }

    /** Makes the device's context current, for a call about this resource. */
    final void enter() {
        requireOpen();
        device.enter();
    }

    @Override
    final void free() {
        try {
            device.enter();
            destroy();
        } finally {
            device.release();
        }
    }

    /** Gives the resource back; the context is current. Called once. */
    abstract void destroy();
}
