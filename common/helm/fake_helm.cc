// A program in Helm's place, for tests. What it does stands in chart/behaviour: one word.
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>

extern char** environ;

namespace {

std::string Read(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

void PrintMap(const char* name, const std::string& data) {
  std::printf(
      "---\n# Source: web/templates/web.yaml\napiVersion: v1\nkind: ConfigMap\n"
      "metadata: {name: %s}\ndata:\n%s",
      name, data.c_str());
}

std::string Line(const char* key, const std::string& text) {
  return std::string("  ") + key + ": \"" + text + "\"\n";
}

std::string Outcome(long code) { return code < 0 ? std::strerror(errno) : "allowed"; }

// One attempt at each thing that a chart must not bring about.
void Probe() {
  std::string data;
  data += Line("read", Outcome(open("/etc/passwd", O_RDONLY)));
  data += Line("list", Outcome(open("/", O_RDONLY | O_DIRECTORY)));
  data += Line("write", Outcome(open("chart/new", O_WRONLY | O_CREAT, 0600)));
  data += Line("home", Outcome(open("home/new", O_WRONLY | O_CREAT, 0600)));
  data += Line("socket", Outcome(socket(AF_INET, SOCK_STREAM, 0)));
  data += Line("unix", Outcome(socket(AF_UNIX, SOCK_STREAM, 0)));
  data += Line("fork", Outcome(fork()));
  char* const arguments[] = {nullptr};
  data += Line("exec", Outcome(execve("/bin/true", arguments, environ)));
  std::string files;
  for (int fd = 0; fd < 100; ++fd) {
    if (fcntl(fd, F_GETFD) >= 0) files += std::to_string(fd) + " ";
  }
  data += Line("files", files);
  std::string names;
  for (char** each = environ; *each != nullptr; ++each) {
    names += std::string(*each, std::strcspn(*each, "=")) + " ";
  }
  data += Line("environment", names);
  PrintMap("probe", data);
}

void Eat() {
  for (size_t taken = 0;; taken += 16u << 20) {
    void* const memory = std::malloc(16u << 20);
    if (memory == nullptr) {
      std::fprintf(stderr, "fatal error: runtime: out of memory\n");
      std::exit(2);
    }
    std::memset(memory, 1, 16u << 20);
  }
}

void Echo(int argc, char** argv) {
  std::string all;
  for (int i = 1; i < argc; ++i) all += std::string(argv[i]) + " ";
  std::string data = Line("arguments", all);
  for (int i = 1; i < argc; ++i) {
    const std::string flag = "--values=";
    if (std::strncmp(argv[i], flag.c_str(), flag.size()) != 0) continue;
    std::string text = Read(argv[i] + flag.size());
    for (char& c : text) {
      if (c == '\n' || c == '"') c = ' ';
    }
    data += Line(argv[i] + flag.size() + std::strlen("values/"), text);
  }
  PrintMap("web", data);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc > 1 && std::strcmp(argv[1], "version") == 0) {
    std::printf("v9.8.7");
    return 0;
  }
  const std::string behaviour = Read("chart/behaviour");
  if (behaviour == "hang") {
    while (true) pause();
  } else if (behaviour == "spin") {
    for (volatile int i = 0; i == 0;) {
    }
  } else if (behaviour == "flood") {
    while (true) std::printf("%01000d\n", 0);
  } else if (behaviour == "eat") {
    Eat();
  } else if (behaviour == "fail") {
    std::fprintf(stderr, "Error: web/templates/web.yaml:3:5\n  executing it:\n    no such thing\n");
    return 1;
  } else if (behaviour == "clock") {
    timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    PrintMap("web", Line("at", std::to_string(now.tv_nsec)));
  } else if (behaviour == "probe") {
    Probe();
  } else {
    Echo(argc, argv);
  }
  return 0;
}
