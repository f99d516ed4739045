package org.airelab.hf;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import org.airelab.base.IoReasons;
import org.airelab.base.Json;
import org.airelab.base.UserError;
import org.airelab.checkpoint.DType;
import org.airelab.checkpoint.SafetensorsFile;
import org.airelab.checkpoint.TensorData;

/**
 * The tensors of a folder that {@code save_pretrained} wrote, in {@value #WHOLE} or in the shards that
 * {@value #INDEX} lists. Keeps count of what was used.
 */
final class HuggingFaceWeights implements AutoCloseable {
    static final String WHOLE = "model.safetensors";
    static final String INDEX = "model.safetensors.index.json";

    private final Path folder;
    private final Architecture architecture;
    private final List<SafetensorsFile> files = new ArrayList<>();
    private final Map<String, SafetensorsFile> tensors = new LinkedHashMap<>();
    private final Set<String> unused = new TreeSet<>();

    HuggingFaceWeights(Path folder, Architecture architecture) {
        this.folder = folder;
        this.architecture = architecture;
        try {
            if (Files.exists(folder.resolve(INDEX))) {
                openShards(folder.resolve(INDEX));
            } else {
                openWhole(folder.resolve(WHOLE));
            }
        } catch (RuntimeException e) {
            close();
            throw e;
        }
        tensors.keySet().stream().filter(name -> !architecture.isBuffer(name)).forEach(unused::add);
    }

    private void openWhole(Path file) {
        if (!Files.exists(file)) {
            boolean pickled = Files.exists(folder.resolve("pytorch_model.bin"))
                    || Files.exists(folder.resolve("pytorch_model.bin.index.json"));
            throw UserError.badInput("There is no " + WHOLE + " in " + folder
                    + (pickled ? ", only pytorch_model.bin, which can hold any program" : "") + ".",
                    pickled ? "Save the model again with save_pretrained, which writes safetensors."
                            : "Name a folder that save_pretrained wrote.");
        }
        SafetensorsFile whole = open(file);
        whole.names().forEach(name -> tensors.put(name, whole));
    }

    private void openShards(Path index) {
        JsonNode map = weightMap(index);
        Map<String, SafetensorsFile> shards = new HashMap<>();
        for (Map.Entry<String, JsonNode> entry : map.properties()) {
            String shard = entry.getValue().asText();
            if (!Path.of(shard).equals(Path.of(shard).getFileName())) {
                throw malformed(index, "it names the file '" + shard + "', which is not beside it", null);
            }
            tensors.put(entry.getKey(), shards.computeIfAbsent(shard, name -> open(folder.resolve(name))));
        }
    }

    private static JsonNode weightMap(Path index) {
        try {
            JsonNode map = Json.MAPPER.readTree(Files.readAllBytes(index)).path("weight_map");
            if (!map.isObject() || map.isEmpty()) {
                throw malformed(index, "it has no weight_map", null);
            }
            return map;
        } catch (IOException e) {
            throw malformed(index, IoReasons.of(e).lines().findFirst().orElse(""), e);
        }
    }

    private static UserError malformed(Path index, String why, IOException cause) {
        return UserError.badInput(index + " is no index of safetensors shards: " + why + ".",
                "Save the model again with save_pretrained.", cause);
    }

    private SafetensorsFile open(Path file) {
        SafetensorsFile opened = SafetensorsFile.open(file);
        files.add(opened);
        return opened;
    }

    /** The text under {@code __metadata__} of the first file that has this key. */
    Optional<String> metadata(String key) {
        return files.stream().map(file -> file.metadata().get(key)).filter(value -> value != null).findFirst();
    }

    /** A tensor, which must have the shape expected. */
    LazyTensor take(Correspondence.Part part) {
        String name = storedName(part.name());
        SafetensorsFile file = tensors.get(name);
        if (file == null) {
            throw mismatch("There is no tensor " + part.name() + " in " + folder);
        }
        unused.remove(name);
        TensorData tensor = file.tensor(name);
        if (!Arrays.equals(tensor.shape(), part.shape())) {
            throw mismatch("The tensor " + name + " in " + file.path() + " has shape " + Arrays.toString(tensor.shape())
                    + ", config.json makes it " + Arrays.toString(part.shape()));
        }
        if (!Set.of(DType.F64, DType.F32, DType.F16, DType.BF16).contains(tensor.dtype())) {
            throw mismatch("The tensor " + name + " in " + file.path() + " is " + tensor.dtype()
                    + ", not one of F64, F32, F16 and BF16");
        }
        return LazyTensor.of(tensor);
    }

    /** Models saved from the class without its head have their names without the first word. */
    private String storedName(String name) {
        String prefix = architecture.prefix();
        return !tensors.containsKey(name) && name.startsWith(prefix) ? name.substring(prefix.length()) : name;
    }

    /** Refuses tensors that nobody took, but for a copy of the tied output matrix. */
    void requireAllUsed(boolean tied) {
        if (tied) {
            unused.remove("lm_head.weight");
        }
        if (!unused.isEmpty()) {
            String first = unused.iterator().next();
            throw mismatch("The tensor " + first + " in " + tensors.get(first).path() + " has no place in a "
                    + architecture.className());
        }
    }

    private static UserError mismatch(String what) {
        return UserError.badInput(what + ".", "Import a folder whose config.json and weights belong together.");
    }

    @Override
    public void close() {
        files.forEach(SafetensorsFile::close);
    }
}
