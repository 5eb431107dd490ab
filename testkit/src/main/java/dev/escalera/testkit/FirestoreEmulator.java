package dev.escalera.testkit;

import com.google.api.gax.grpc.InstantiatingGrpcChannelProvider;
import com.google.api.gax.rpc.TransportChannelProvider;
import com.google.cloud.firestore.Firestore;
import com.google.cloud.firestore.FirestoreOptions;
import java.io.IOException;
import java.net.HttpURLConnection;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * A Firestore emulator: the one that {@code FIRESTORE_EMULATOR_HOST} names, or one of our own,
 * started from the Google Cloud SDK whose {@code gcloud} is on the {@code PATH}.
 *
 * <p>Instances may be used by several threads, {@link #restart()}, {@link #kill()} and {@link
 * #close()} by one at a time. One of our own keeps its data in memory and loses them when it is
 * closed.
 */
public final class FirestoreEmulator implements AutoCloseable {
  /** The environment variable that names a running emulator as {@code host:port}. */
  static final String HOST_VARIABLE = "FIRESTORE_EMULATOR_HOST";

  /** What to do when {@link #isAvailable()} is false, in one line. */
  public static final String HOW_TO_GET =
      "no Firestore emulator was found: install the Google Cloud SDK and run"
          + " `gcloud components install cloud-firestore-emulator` with gcloud on the PATH, or set "
          + HOST_VARIABLE
          + " to the host:port of a running one";

  private static final Duration START_TIMEOUT = Duration.ofSeconds(60);
  private static final Duration CONNECT_TIMEOUT = Duration.ofSeconds(10);
  private static final Pattern HOST_AND_PORT =
      Pattern.compile("([\\w.-]+|\\[[0-9a-fA-F:.]+]):\\d{1,5}");
  private static final String MAIN_CLASS =
      "com.google.cloud.datastore.emulator.firestore.CloudFirestore";
  private static final Path JAR_IN_SDK =
      Path.of("platform", "cloud-firestore-emulator", "cloud-firestore-emulator.jar");

  private final String hostPort;
  private final String[] jvmOptions;
  private volatile Optional<ServerProcess> process;

  private FirestoreEmulator(String hostPort, String[] jvmOptions, Optional<ServerProcess> process) {
    this.hostPort = hostPort;
    this.jvmOptions = jvmOptions;
    this.process = process;
  }

  /**
   * Returns whether {@link #start(String...)} would find an emulator.
   *
   * @return false if neither a running emulator is named nor one is installed
   */
  public static boolean isAvailable() {
    return running().isPresent() || installedJar().isPresent();
  }

  /**
   * Returns the emulator that the environment names, or starts one of our own; returns once it
   * answers.
   *
   * @param jvmOptions further options of the emulator's JVM, such as {@code "-Xmx4g"}; without
   *     effect on a running one
   * @return the emulator
   * @throws TestkitException if none is found, or it does not start or answer
   */
  public static FirestoreEmulator start(String... jvmOptions) {
    Optional<String> running = running();
    if (running.isPresent()) {
      return connect(running.get());
    }
    Path jar = installed();
    String[] kept = jvmOptions.clone();
    return ServerProcess.startOnFreePort(
        port -> true,
        port ->
            new FirestoreEmulator(
                ServerProcess.HOST + ":" + port, kept, Optional.of(launch(jar, port, kept))));
  }

  /**
   * Returns the address of the emulator.
   *
   * @return {@code host:port}
   */
  public String hostPort() {
    return hostPort;
  }

  /**
   * Opens a client of the emulator; a project id that no one used before is an empty database.
   *
   * @param projectId any project id, it need not exist
   * @return a client that the caller closes, by {@code shutdownNow()}: {@code close()} can hang
   *     after a refused request
   */
  public Firestore openClient(String projectId) {
    return openClient(projectId, hostPort);
  }

  /**
   * Opens a client whose calls pass through a proxy.
   *
   * @param projectId any project id, it need not exist
   * @param through a proxy to this emulator
   * @return a client that the caller closes, by {@code shutdownNow()}
   */
  public Firestore openClient(String projectId, FaultProxy through) {
    return openClient(projectId, through.hostPort());
  }

  /**
   * Stops the process where it stands (SIGSTOP): connections stay open and nothing answers, until
   * {@link #resume()}.
   *
   * @throws TestkitException if the emulator is not one of our own
   */
  public void pause() {
    own().signal("STOP");
  }

  /**
   * Lets a paused process go on (SIGCONT): it now also executes what reached it while it stood.
   *
   * @throws TestkitException if the emulator is not one of our own
   */
  public void resume() {
    own().signal("CONT");
  }

  /**
   * Kills the process (SIGKILL) and returns when it is gone, and all documents with it.
   *
   * @throws TestkitException if the emulator is not one of our own
   */
  public void kill() {
    own().signal("KILL");
  }

  /**
   * Kills the process if it is alive and starts an empty one on the same port.
   *
   * @throws TestkitException if the emulator is not one of our own, or cannot be started again
   */
  public void restart() {
    own().close();
    process = Optional.of(launch(installed(), port(), jvmOptions));
  }

  private ServerProcess own() {
    return process.orElseThrow(
        () -> new TestkitException("the emulator at " + hostPort + " was not started by us"));
  }

  String host() {
    String host = hostPort.substring(0, hostPort.lastIndexOf(':'));
    // An IPv6 address stands in brackets.
    return host.startsWith("[") ? host.substring(1, host.length() - 1) : host;
  }

  int port() {
    return Integer.parseInt(hostPort.substring(hostPort.lastIndexOf(':') + 1));
  }

  /** Takes a running emulator, once it answers. */
  static FirestoreEmulator connect(String hostPort) {
    if (!HOST_AND_PORT.matcher(hostPort).matches()) {
      throw new TestkitException(
          HOST_VARIABLE + " must be host:port, such as 127.0.0.1:8080, but is '" + hostPort + "'");
    }
    ServerProcess.await(
        CONNECT_TIMEOUT,
        "an answer of the Firestore emulator at " + hostPort,
        () -> answers(hostPort));
    return new FirestoreEmulator(hostPort, new String[0], Optional.empty());
  }

  private static Firestore openClient(String projectId, String hostPort) {
    // No credentials: given together with an emulator host, they would make the client dial
    // production.
    FirestoreOptions options =
        FirestoreOptions.newBuilder().setProjectId(projectId).setEmulatorHost(hostPort).build();
    TransportChannelProvider channel = options.getTransportChannelProvider();
    if (!(channel instanceof InstantiatingGrpcChannelProvider grpc)
        || !hostPort.equals(grpc.getEndpoint())) {
      throw new TestkitException(
          "the Firestore client would not dial " + hostPort + " but use " + channel);
    }
    return options.getService();
  }

  /** Kills the emulator if it is one of our own. Idempotent. */
  @Override
  public void close() {
    process.ifPresent(ServerProcess::close);
  }

  private static Optional<String> running() {
    return Optional.ofNullable(System.getenv(HOST_VARIABLE)).filter(value -> !value.isBlank());
  }

  private static Path installed() {
    return installedJar().orElseThrow(() -> new TestkitException(HOW_TO_GET));
  }

  private static Optional<Path> installedJar() {
    return Executables.onPath("gcloud").flatMap(FirestoreEmulator::jarOfSdk);
  }

  static Optional<Path> jarOfSdk(Path gcloud) {
    try {
      Path bin = gcloud.toRealPath().getParent();
      return Optional.ofNullable(bin)
          .map(Path::getParent)
          .map(sdk -> sdk.resolve(JAR_IN_SDK))
          .filter(Files::isRegularFile);
    } catch (IOException e) {
      throw new TestkitException("cannot follow " + gcloud + " to the Google Cloud SDK", e);
    }
  }

  private static ServerProcess launch(Path jar, int port, String... jvmOptions) {
    Path folder = ServerProcess.newFolder();
    List<String> command = new ArrayList<>();
    command.add(ServerProcess.java());
    command.addAll(
        List.of("-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Duser.language=en"));
    command.add("-Djava.io.tmpdir=" + folder);
    command.addAll(List.of(jvmOptions));
    command.addAll(List.of("-cp", jar.toString(), MAIN_CLASS));
    command.addAll(List.of("--host=" + ServerProcess.HOST, "--port=" + port));
    return ServerProcess.start("the Firestore emulator", folder, command)
        .awaitAnswer(START_TIMEOUT, () -> answers(ServerProcess.HOST + ":" + port));
  }

  private static boolean answers(String hostPort) {
    try {
      HttpURLConnection connection =
          (HttpURLConnection) URI.create("http://" + hostPort).toURL().openConnection();
      connection.setConnectTimeout(1_000);
      connection.setReadTimeout(5_000);
      return connection.getResponseCode() == HttpURLConnection.HTTP_OK;
    } catch (IOException e) {
      return false;
    }
  }
}
