package org.airelab.kernels.cuda;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import jcuda.NativePointerObject;
import jcuda.Pointer;
import jcuda.driver.CUdeviceptr;
import jcuda.driver.CUfunction;
import jcuda.driver.CUstream;

/**
 * JCuda's handles with their numbers: JCuda keeps them to itself and its subclasses, but foreign functions take them,
 * and other libraries hand out streams and memory as numbers.
 */
final class Handles {
    private static final VarHandle NUMBER = number();

    private Handles() {
    }

    private static VarHandle number() {
        try {
            return MethodHandles.privateLookupIn(NativePointerObject.class, MethodHandles.lookup())
                    .findVarHandle(NativePointerObject.class, "nativePointer", long.class);
        } catch (ReflectiveOperationException e) {
            throw new AssertionError("JCuda's handles have changed", e);
        }
    }

    static final class Function extends CUfunction {
        long number() {
            return getNativePointer();
        }
    }

    static final class Stream extends CUstream {
        Stream() {
        }

        Stream(long number) {
            NUMBER.set(this, number);
        }

        long number() {
            return getNativePointer();
        }
    }

    /** Memory of the device, or with unified addressing any memory the driver can tell by its address. */
    static final class Address extends CUdeviceptr {
        Address() {
        }

        Address(long address) {
            super(new CUdeviceptr(), address);
        }

        long number() {
            return getNativePointer() + getByteOffset();
        }
    }

    /** Memory by its address. */
    static final class RawPointer extends Pointer {
        RawPointer(long address) {
            super(address);
        }

        long number() {
            return getNativePointer();
        }
    }
}
