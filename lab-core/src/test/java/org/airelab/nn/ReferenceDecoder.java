package org.airelab.nn;

import java.util.Arrays;
import java.util.Map;
import org.airelab.nn.ModelConfig.Norm;
import org.airelab.nn.ModelConfig.NormPlacement;
import org.airelab.nn.ModelConfig.Positions;

/**
 * A decoder in plain loops over float64 arrays, written from the papers that {@link ModelConfig} names and sharing
 * nothing with the real one but its configuration and the names of its weights.
 */
final class ReferenceDecoder {
    private final ModelConfig config;
    private final Map<String, double[]> weights;

    /** @param weights by {@link ParameterSpec#path()}, row-major */
    ReferenceDecoder(ModelConfig config, Map<String, double[]> weights) {
        this.config = config;
        this.weights = weights;
    }

    /** The logits [time][vocabulary] of one sequence. */
    double[][] logits(long[] ids) {
        double[][] x = new double[ids.length][];
        for (int t = 0; t < ids.length; t++) {
            x[t] = embed((int) ids[t], t);
        }
        for (int layer = 0; layer < config.layers(); layer++) {
            String path = "layers." + layer + ".";
            if (config.normPlacement() == NormPlacement.PRE) {
                x = add(x, attention(path + "attention", norm(path + "attention_norm", x)));
                x = add(x, feedForward(path + "feed_forward", norm(path + "feed_forward_norm", x)));
            } else {
                x = norm(path + "attention_norm", add(x, attention(path + "attention", x)));
                x = norm(path + "feed_forward_norm", add(x, feedForward(path + "feed_forward", x)));
            }
        }
        x = config.normPlacement() == NormPlacement.PRE ? norm("head.norm", x) : x;
        double[] matrix = weights.get(config.tieEmbeddings() ? "embedding.weight" : "head.weight");
        double[][] logits = new double[ids.length][];
        for (int t = 0; t < ids.length; t++) {
            logits[t] = product(matrix, x[t]);
        }
        return logits;
    }

    private double[] embed(int id, int t) {
        int d = config.dim();
        double[] x = Arrays.copyOfRange(weights.get("embedding.weight"), id * d, (id + 1) * d);
        for (int i = 0; i < d; i++) {
            if (config.positions() == Positions.LEARNED) {
                x[i] += weights.get("embedding.positions")[t * d + i];
            } else if (config.positions() == Positions.SINUSOIDAL) {
                double angle = t * Math.exp(-Math.log(10_000) * (i / 2 * 2) / d);
                x[i] = x[i] * Math.sqrt(d) + Math.sin(i % 2 == 0 ? angle : angle + Math.PI / 2);
            }
        }
        return x;
    }

    private double[][] norm(String path, double[][] rows) {
        double[] weight = weights.get(path + ".weight");
        double[][] out = new double[rows.length][config.dim()];
        for (int t = 0; t < rows.length; t++) {
            double mean = config.norm() == Norm.LAYER ? Arrays.stream(rows[t]).average().orElseThrow() : 0;
            double variance = Arrays.stream(rows[t]).map(v -> (v - mean) * (v - mean)).average().orElseThrow();
            for (int i = 0; i < config.dim(); i++) {
                double bias = config.norm() == Norm.LAYER ? weights.get(path + ".bias")[i] : 0;
                out[t][i] = (rows[t][i] - mean) / Math.sqrt(variance + config.normEps()) * weight[i] + bias;
            }
        }
        return out;
    }

    private double[][] attention(String path, double[][] x) {
        int size = config.dim() / config.heads();
        double[][] packed = linear(path + ".qkv", x);
        double[][] joined = new double[x.length][config.dim()];
        for (int head = 0; head < config.heads(); head++) {
            int served = head / (config.heads() / config.kvHeads());
            double[][] q = head(packed, head * size, true);
            double[][] k = head(packed, (config.heads() + served) * size, true);
            double[][] v = head(packed, (config.heads() + config.kvHeads() + served) * size, false);
            for (int t = 0; t < x.length; t++) {
                double[] share = new double[t + 1];
                double sum = 0;
                for (int j = 0; j <= t; j++) {
                    share[j] = Math.exp(dot(q[t], k[j]) / Math.sqrt(size));
                    sum += share[j];
                }
                for (int i = 0; i < size; i++) {
                    for (int j = 0; j <= t; j++) {
                        joined[t][head * size + i] += share[j] / sum * v[j][i];
                    }
                }
            }
        }
        return linear(path + ".out", joined);
    }

    /** One head's part of the packed rows, rotated where the positions ask for it. */
    private double[][] head(double[][] packed, int from, boolean rotated) {
        int size = config.dim() / config.heads();
        double[][] rows = new double[packed.length][];
        for (int t = 0; t < packed.length; t++) {
            rows[t] = Arrays.copyOfRange(packed[t], from, from + size);
            for (int pair = 0; rotated && config.rotary() && pair < size / 2; pair++) {
                boolean neighbours = config.positions() == Positions.ROPE_INTERLEAVED;
                int a = neighbours ? 2 * pair : pair;
                int b = neighbours ? 2 * pair + 1 : pair + size / 2;
                double angle = t / Math.pow(config.ropeTheta(), 2.0 * pair / size);
                double first = rows[t][a];
                double second = rows[t][b];
                rows[t][a] = first * Math.cos(angle) - second * Math.sin(angle);
                rows[t][b] = first * Math.sin(angle) + second * Math.cos(angle);
            }
        }
        return rows;
    }

    private double[][] feedForward(String path, double[][] x) {
        boolean gated = config.feedForward() == ModelConfig.FeedForwardKind.SWIGLU;
        double[][] up = linear(path + (gated ? ".gate_up" : ".up"), x);
        double[][] active = new double[x.length][config.hiddenDim()];
        for (int t = 0; t < x.length; t++) {
            for (int i = 0; i < config.hiddenDim(); i++) {
                double h = up[t][i];
                active[t][i] = switch (config.feedForward()) {
                    case SWIGLU -> h / (1 + Math.exp(-h)) * up[t][config.hiddenDim() + i];
                    case GELU -> h / 2 * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (h + 0.044715 * h * h * h)));
                    case RELU -> Math.max(0, h);
                };
            }
        }
        return linear(path + ".down", active);
    }

    private double[][] linear(String path, double[][] x) {
        double[][] y = new double[x.length][];
        for (int t = 0; t < x.length; t++) {
            y[t] = product(weights.get(path + ".weight"), x[t]);
            for (int i = 0; config.bias() && i < y[t].length; i++) {
                y[t][i] += weights.get(path + ".bias")[i];
            }
        }
        return y;
    }

    private static double[] product(double[] matrix, double[] x) {
        double[] y = new double[matrix.length / x.length];
        for (int i = 0; i < y.length; i++) {
            y[i] = dot(Arrays.copyOfRange(matrix, i * x.length, (i + 1) * x.length), x);
        }
        return y;
    }

    private static double dot(double[] a, double[] b) {
        double sum = 0;
        for (int i = 0; i < a.length; i++) {
            sum += a[i] * b[i];
        }
        return sum;
    }

    private static double[][] add(double[][] a, double[][] b) {
        double[][] sum = new double[a.length][a[0].length];
        for (int t = 0; t < a.length; t++) {
            for (int i = 0; i < a[t].length; i++) {
                sum[t][i] = a[t][i] + b[t][i];
            }
        }
        return sum;
    }
}
