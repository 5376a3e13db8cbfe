// Real Git servers on loopback, for tests: git http-backend behind lighttpd with TLS, and sshd.
//
// Each listens on a port that the kernel chose, on 127.0.0.1 only, and ends with its object. The
// listening socket is ours and is handed over, so there is nothing to wait for and no port to race
// for. MissingTool says what a machine lacks; a test that skips must repeat it.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

namespace muster::integration {

// "" when all programs are there, else a sentence that names the first that is not.
std::string MissingTool(const std::vector<std::string>& programs);

// A directory of a test's own, removed with it.
class TemporaryDirectory {
 public:
  TemporaryDirectory();
  ~TemporaryDirectory();
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// Listens on 127.0.0.1.
class LoopbackSocket {
 public:
  LoopbackSocket();
  ~LoopbackSocket();
  LoopbackSocket(const LoopbackSocket&) = delete;
  LoopbackSocket& operator=(const LoopbackSocket&) = delete;
  int fd() const { return fd_; }
  int port() const { return port_; }
  // Ends every accept; connections are refused from now on.
  void Shutdown();

 private:
  int fd_;
  int port_ = 0;
};

void WriteFile(const std::string& path, const std::string& text, int mode = 0600);
std::string ReadFile(const std::string& path);
// Runs a shell command to its end; a failure fails the test with its output.
void RunCommand(const std::string& command);

// Serves <root>/*.git as https://localhost:<port>/git/<name>.git, to the user "robot" with the
// password "hunter2". Redirects there: /moved/ by the same address, /away/ by another
// host, /plain/ without TLS, /port/<port>/ on another port.
class HttpsGitServer {
 public:
  explicit HttpsGitServer(const std::string& root);
  ~HttpsGitServer();

  static std::vector<std::string> Programs();
  std::string UrlOf(const std::string& repository, const std::string& host = "localhost",
                    const std::string& below = "git") const;
  int port() const { return socket_.port(); }
  std::string ca_pem() const { return ReadFile(directory_.path() + "/ca.pem"); }
  std::string errors() const;

 private:
  TemporaryDirectory directory_;
  LoopbackSocket socket_;
  pid_t pid_ = -1;
};

// Serves the machine's files as ssh://<user>@localhost:<port>/<path>, to the key in client_key().
class SshGitServer {
 public:
  enum class HostKeys { kEd25519, kEcdsaAndEd25519 };
  explicit SshGitServer(HostKeys host_keys = HostKeys::kEd25519);
  ~SshGitServer();

  static std::vector<std::string> Programs();
  // Why sshd cannot run here although it is installed; "" when it can.
  static std::string Obstacle();
  std::string UrlOf(const std::string& path) const;
  int port() const { return socket_.port(); }
  std::string client_key() const { return ReadFile(directory_.path() + "/client"); }
  std::string known_hosts() const;  // one line, of the ed25519 key
  // As `ssh-keygen -l` shows the host key: "SHA256:...".
  std::string fingerprint() const;

 private:
  void Accept();

  TemporaryDirectory directory_;
  LoopbackSocket socket_;
  std::thread acceptor_;
  std::atomic<bool> stop_ = false;
};

// Accepts connections and never says a word.
class SilentServer {
 public:
  SilentServer() = default;
  int port() const { return socket_.port(); }

 private:
  LoopbackSocket socket_;  // the kernel accepts; nobody reads
};

}  // namespace muster::integration
