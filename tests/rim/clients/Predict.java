// Java's own client, as it comes: over plain HTTP it asks for an upgrade to HTTP/2 with every request.
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;

public class Predict {
    public static void main(String[] words) throws Exception {
        var client = HttpClient.newHttpClient();
        for (int i = 1; i < words.length; i++) {
            var request = HttpRequest.newBuilder(URI.create(words[0]))
                .header("Content-Type", "application/json")
                .POST(HttpRequest.BodyPublishers.ofFile(Path.of(words[i])))
                .build();
            var answer = client.send(request, HttpResponse.BodyHandlers.ofString());
            System.out.println(answer.statusCode() + " " + answer.body().replace("\n", ""));
        }
    }
}
