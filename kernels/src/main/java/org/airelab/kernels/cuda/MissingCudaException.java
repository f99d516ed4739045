package org.airelab.kernels.cuda;

/** This machine lacks something CUDA needs: a driver, a GPU, a library, a compiler. */
public final class MissingCudaException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final String advice;

    MissingCudaException(String message, String advice, Throwable cause) {
        super(message, cause);
        this.advice = advice;
    }

    /** A message of what is missing and an advice what to do, a sentence each. */
    public MissingCudaException(String message, String advice) {
        this(message, advice, null);
    }

    /** What to do about it: one sentence. */
    public String advice() {
        return advice;
    }
}
