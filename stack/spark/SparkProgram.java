import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;

/**
 * Spark in one process, for stack/spark.py: driver and executor are threads of it.
 *
 * <p>Reads requests from standard input, one JSON object a line: {@code set} with {@code settings} (of the session),
 * {@code sql} with {@code statement}. Answers each with a line: {@code {"is": ROWS}}, or {@code {"failed":
 * [{"class": NAME, "message": TEXT}, ...]}}, the exception and then its causes. Ends when standard input does.
 */
public final class SparkProgram {
  private static final ObjectMapper JSON = new ObjectMapper();

  private SparkProgram() {}

  public static void main(String[] args) throws Exception {
    var requests = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    var answers = new PrintStream(System.out, true, StandardCharsets.UTF_8);
    System.setOut(System.err); // whatever a library prints, this channel is ours
    try (SparkSession spark = SparkSession.builder().getOrCreate()) {
      for (String line = requests.readLine(); line != null; line = requests.readLine()) {
        answers.println(JSON.writeValueAsString(answer(spark, JSON.readTree(line))));
      }
    }
  }

  private static ObjectNode answer(SparkSession spark, JsonNode request) {
    ObjectNode answer = JSON.createObjectNode();
    try {
      answer.set("is", JSON.valueToTree(done(spark, request)));
    } catch (Exception problem) {
      ArrayNode story = answer.putArray("failed");
      for (Throwable each = problem; each != null; each = each.getCause()) {
        story.addObject().put("class", each.getClass().getName()).put("message", each.getMessage());
      }
    }
    return answer;
  }

  private static Object done(SparkSession spark, JsonNode request) throws Exception {
    switch (request.get("do").textValue()) {
      case "set":
        request.get("settings").properties().forEach(each -> spark.conf().set(each.getKey(), each.getValue().textValue()));
        return null;
      case "sql":
        List<List<Object>> rows = new ArrayList<>();
        for (Row row : spark.sql(request.get("statement").textValue()).collectAsList()) {
          List<Object> values = new ArrayList<>();
          for (int column = 0; column < row.length(); column++) {
            Object value = row.get(column);
            values.add(value == null || value instanceof Number || value instanceof Boolean ? value : value.toString());
          }
          rows.add(values);
        }
        return rows;
      default:
        throw new IllegalArgumentException("not a thing to do: " + request.get("do"));
    }
  }
}
