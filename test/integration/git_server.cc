#include "test/integration/git_server.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <pwd.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "common/base/check.h"

namespace muster::integration {
namespace {

namespace fs = std::filesystem;

constexpr char kHttpBackend[] = "/usr/lib/git-core/git-http-backend";
constexpr char kSshd[] = "/usr/sbin/sshd";
constexpr char kLighttpd[] = "/usr/sbin/lighttpd";
constexpr char kLighttpdTls[] = "/usr/lib/lighttpd/mod_openssl.so";

constexpr char kLighttpdConfig[] = R"lighttpd(
server.modules = ("mod_auth", "mod_authn_file", "mod_redirect", "mod_alias", "mod_setenv",
                  "mod_cgi", "mod_openssl")
server.systemd-socket-activation = "enable"
server.bind = "127.0.0.1"
server.port = @PORT@
server.document-root = "@HERE@"
server.upload-dirs = ("@HERE@")
server.errorlog = "@HERE@/errors"
ssl.engine = "enable"
ssl.pemfile = "@HERE@/server.pem"
auth.backend = "plain"
auth.backend.plain.userfile = "@HERE@/users"
auth.require = ("/git" => ("method" => "basic", "realm" => "git", "require" => "valid-user"))
url.redirect = ("^/moved/(.*)" => "https://localhost:@PORT@/git/$1",
                "^/away/(.*)" => "https://127.0.0.1:@PORT@/git/$1",
                "^/plain/(.*)" => "http://localhost:@PORT@/git/$1",
                "^/port/([0-9]+)/(.*)" => "https://localhost:$1/git/$2")
alias.url = ("/git" => "@BACKEND@")
$HTTP["url"] =~ "^/git" {
  cgi.assign = ("" => "")
  setenv.add-environment = ("GIT_PROJECT_ROOT" => "@ROOT@", "GIT_HTTP_EXPORT_ALL" => "1")
}
)lighttpd";

// Runs a shell command in the background with `socket` as descriptors 0 and 1, or 3.
pid_t Spawn(const std::string& command, int socket, bool as_standard_input) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  if (as_standard_input) {
    posix_spawn_file_actions_adddup2(&actions, socket, 0);
    posix_spawn_file_actions_adddup2(&actions, socket, 1);
  } else {
    posix_spawn_file_actions_adddup2(&actions, socket, 3);
  }
  std::string shell = "/bin/sh", flag = "-c", text = command;
  char* arguments[] = {shell.data(), flag.data(), text.data(), nullptr};
  pid_t pid = -1;
  CHECK(posix_spawn(&pid, shell.c_str(), &actions, nullptr, arguments, environ) == 0);
  posix_spawn_file_actions_destroy(&actions);
  return pid;
}

// An authority, and a certificate of it for localhost; all in `directory`.
void MakeCertificates(const std::string& directory) {
  const std::string in = absl::StrCat("cd ", directory, " && ");
  RunCommand(in +
             "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 "
             "-subj '/CN=test authority' -keyout ca.key -out ca.pem");
  RunCommand(in +
             "openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes "
             "-subj '/CN=localhost' -keyout server.key -out server.csr");
  WriteFile(directory + "/names", "subjectAltName=DNS:localhost\n");
  RunCommand(in +
             "openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial "
             "-days 2 -extfile names -out server.crt && cat server.crt server.key > server.pem");
}

}  // namespace

std::string MissingTool(const std::vector<std::string>& programs) {
  for (const std::string& program : programs) {
    if (!fs::exists(program)) return absl::StrCat(program, " is not installed");
  }
  return "";
}

TemporaryDirectory::TemporaryDirectory() {
  std::string name = absl::StrCat(testing::TempDir(), "/git.XXXXXX");
  CHECK(mkdtemp(name.data()) != nullptr);
  path_ = name;
}

TemporaryDirectory::~TemporaryDirectory() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

LoopbackSocket::LoopbackSocket() : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  CHECK(bind(fd_, reinterpret_cast<sockaddr*>(&address), size) == 0);
  CHECK(listen(fd_, 64) == 0);
  CHECK(getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size) == 0);
  port_ = ntohs(address.sin_port);
}

LoopbackSocket::~LoopbackSocket() { close(fd_); }

void LoopbackSocket::Shutdown() { shutdown(fd_, SHUT_RDWR); }

void WriteFile(const std::string& path, const std::string& text, int mode) {
  std::ofstream(path) << text;
  CHECK(chmod(path.c_str(), static_cast<mode_t>(mode)) == 0) << path;
}

std::string ReadFile(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

void RunCommand(const std::string& command) {
  FILE* output = popen(absl::StrCat("(", command, ") 2>&1").c_str(), "r");
  CHECK(output != nullptr);
  std::string text;
  char buffer[4096];
  while (const size_t count = fread(buffer, 1, sizeof(buffer), output)) text.append(buffer, count);
  CHECK(pclose(output) == 0) << command << "\n" << text;
}

// ---------------------------------------------------------------- https

std::vector<std::string> HttpsGitServer::Programs() {
  return {kLighttpd, kLighttpdTls, kHttpBackend, "/usr/bin/openssl"};
}

HttpsGitServer::HttpsGitServer(const std::string& root) {
  const std::string& here = directory_.path();
  MakeCertificates(here);
  WriteFile(here + "/users", "robot:hunter2\n");
  WriteFile(here + "/errors", "");
  WriteFile(here + "/lighttpd.conf",
            absl::StrReplaceAll(kLighttpdConfig, {{"@PORT@", absl::StrCat(socket_.port())},
                                                  {"@HERE@", here},
                                                  {"@ROOT@", root},
                                                  {"@BACKEND@", kHttpBackend}}));
  pid_ = Spawn(absl::StrCat("LISTEN_PID=$$ LISTEN_FDS=1 exec ", kLighttpd, " -D -f ", here,
                            "/lighttpd.conf 2>>", here, "/errors"),
               socket_.fd(), /*as_standard_input=*/false);
}

HttpsGitServer::~HttpsGitServer() {
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
}

std::string HttpsGitServer::errors() const { return ReadFile(directory_.path() + "/errors"); }

std::string HttpsGitServer::UrlOf(const std::string& repository, const std::string& host,
                                  const std::string& below) const {
  return absl::StrCat("https://", host, ":", socket_.port(), "/", below, "/", repository, ".git");
}

// ---------------------------------------------------------------- ssh

std::vector<std::string> SshGitServer::Programs() {
  return {kSshd, "/usr/bin/ssh-keygen", "/usr/bin/git-upload-pack"};
}

std::string SshGitServer::Obstacle() {
  if (getuid() != 0 || fs::is_directory("/run/sshd")) return "";
  // What Debian's service does before it starts sshd as root.
  std::error_code error;
  fs::create_directory("/run/sshd", error);
  return error ? absl::StrCat("/run/sshd cannot be made: ", error.message()) : "";
}

SshGitServer::SshGitServer(HostKeys host_keys) {
  const std::string& here = directory_.path();
  RunCommand(absl::StrCat("cd ", here, " && ssh-keygen -q -t ed25519 -N '' -C host -f host && ",
                          "ssh-keygen -q -t ed25519 -N '' -C client -f client && ",
                          "cp client.pub authorized"));
  std::string more;
  if (host_keys == HostKeys::kEcdsaAndEd25519) {
    RunCommand(absl::StrCat("cd ", here, " && ssh-keygen -q -t ecdsa -N '' -f ecdsa"));
    more = absl::StrCat("HostKey ", here, "/ecdsa\n");
  }
  WriteFile(here + "/sshd.conf",
            absl::StrCat(more, "HostKey ", here, "/host\nAuthorizedKeysFile ", here,
                         "/authorized\nStrictModes no\nUsePAM no\n"
                         "PasswordAuthentication no\nPidFile none\n"
                         "KbdInteractiveAuthentication no\n"
                         "PermitRootLogin prohibit-password\n"));
  acceptor_ = std::thread([this] { Accept(); });
}

SshGitServer::~SshGitServer() {
  stop_ = true;
  socket_.Shutdown();
  acceptor_.join();
}

// As inetd does: one sshd for each connection.
void SshGitServer::Accept() {
  std::vector<pid_t> children;
  while (!stop_) {
    const int connection = accept4(socket_.fd(), nullptr, nullptr, SOCK_CLOEXEC);
    if (connection < 0) break;
    children.push_back(Spawn(absl::StrCat("exec ", kSshd, " -i -e -f ", directory_.path(),
                                          "/sshd.conf 2>>", directory_.path(), "/errors"),
                             connection, /*as_standard_input=*/true));
    close(connection);
  }
  for (const pid_t child : children) {
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
  }
}

std::string SshGitServer::UrlOf(const std::string& path) const {
  return absl::StrCat("ssh://", getpwuid(getuid())->pw_name, "@localhost:", port(), path);
}

std::string SshGitServer::known_hosts() const {
  return absl::StrCat("[localhost]:", port(), " ", ReadFile(directory_.path() + "/host.pub"));
}

std::string SshGitServer::fingerprint() const {
  const std::string out = directory_.path() + "/fingerprint";
  RunCommand(absl::StrCat("ssh-keygen -l -f ", directory_.path(), "/host.pub > ", out));
  const std::vector<std::string> words = absl::StrSplit(ReadFile(out), ' ');
  return words.at(1);
}

}  // namespace muster::integration
