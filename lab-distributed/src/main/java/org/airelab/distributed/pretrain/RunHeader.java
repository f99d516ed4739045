package org.airelab.distributed.pretrain;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.airelab.base.Progress;
import org.airelab.data.DatasetManifest;
import org.airelab.nn.ModelConfig;
import org.airelab.torch.Devices;
import org.airelab.train.PeakFlops;
import org.airelab.train.Schedule;
import org.airelab.train.TrainingSession;

/** What a run is about to do, in a few lines for people. */
final class RunHeader {
    private RunHeader() {
    }

    static List<String> describe(PretrainConfig config, DatasetManifest data, TrainingSession session, PeakFlops peak) {
        List<String> lines = new ArrayList<>();
        ModelConfig m = config.model();
        lines.add(String.format(Locale.ROOT, "model      %s: %d layers, dim %d, %d heads (%d kv), context %d,"
                + " vocabulary %,d: %s parameters", config.preset(), m.layers(), m.dim(), m.heads(), m.kvHeads(),
                m.contextLength(), m.vocabSize(), Progress.count(config.model().parameterCount())));
        lines.add(String.format(Locale.ROOT, "data       %s: %s tokens to learn from, %s to validate on; none of"
                + " the %,d validation documents is learned from (%,d copies left out)", config.data().train(),
                Progress.count(data.train().tokens()), Progress.count(data.validation().tokens()),
                data.validation().documents(), data.removedFromTrain()));
        data.entropyFloor().ifPresent(floor -> lines.add(String.format(Locale.ROOT,
                "           entropy floor %.4f nats/token: the loss of a perfect model", floor)));
        lines.add(batch(config, data));
        Schedule schedule = config.learningRates();
        lines.add(String.format(Locale.ROOT,
                "optimizer  %s, learning rate %.1e after %,d steps of warm-up, then %s; clip %s",
                lower(config.optimizer().kind()), schedule.peak(), schedule.warmupSteps(), lower(schedule.decay()),
                config.optimizer().clipNorm()));
        for (String group : session.optimizer().describe()) {
            lines.add("           " + group);
        }
        lines.add(String.format(Locale.ROOT, "device     %s, %s, %s%s", Devices.name(session.manager().getDevice()),
                lower(config.run().precision()), session.kernels(),
                config.train().checkpointing() ? ", activations recomputed" : ""));
        lines.add("           MFU by 6N + 12LHQT FLOPs a token (PaLM, appendix B) over " + peak.description());
        return lines;
    }

    private static String batch(PretrainConfig config, DatasetManifest data) {
        PretrainConfig.TrainSection train = config.train();
        double tokens = (double) config.tokensPerStep() * train.steps();
        return String.format(Locale.ROOT, "batch      %d sequences x %d accumulated x %d tokens = %,d tokens a step;"
                + " %,d steps = %s tokens, %.1f times the data", train.batchSize(), train.accumulation(),
                config.model().contextLength(), config.tokensPerStep(), train.steps(), Progress.count(tokens),
                tokens / data.train().tokens());
    }

    private static String lower(Enum<?> value) {
        return value.name().toLowerCase(Locale.ROOT);
    }
}
