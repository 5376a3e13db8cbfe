#include "common/sandbox/sandbox.h"

#include <linux/capability.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <memory>

#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/sandbox/landlock.h"

namespace muster {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kSanitized = true;  // its shadow memory is larger than any limit
#else
constexpr bool kSanitized = false;
#endif

// What no child ever needs. Refused with EPERM, so that a library can go another way; names that
// the architecture or the library does not know are skipped.
constexpr const char* kRefusedCalls[] = {
    // Processes.
    "ptrace", "process_vm_readv", "process_vm_writev", "kcmp", "pidfd_getfd", "pidfd_send_signal",
    "tkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo", "process_madvise", "process_mrelease",
    "setpgid", "setsid",
    // File systems and namespaces.
    "mount", "umount", "umount2", "move_mount", "open_tree", "fsopen", "fsmount", "fsconfig",
    "fspick", "mount_setattr", "pivot_root", "chroot", "setns", "unshare", "name_to_handle_at",
    "open_by_handle_at", "quotactl", "quotactl_fd", "fanotify_init", "swapon", "swapoff", "mknod",
    "mknodat", "acct",
    // The kernel and the machine.
    "init_module", "finit_module", "delete_module", "create_module", "kexec_load",
    "kexec_file_load", "bpf", "perf_event_open", "userfaultfd", "io_uring_setup", "io_uring_enter",
    "io_uring_register", "add_key", "request_key", "keyctl", "reboot", "syslog", "iopl", "ioperm",
    "modify_ldt", "personality", "vhangup", "lookup_dcookie", "nfsservctl", "settimeofday",
    "clock_settime", "clock_adjtime", "adjtimex", "stime", "sethostname", "setdomainname",
    "memfd_secret",
    // Memory that its limit does not count, and other processes could share.
    "memfd_create", "shmget", "shmat", "msgget", "semget", "mq_open",
    // Who we are.
    "setuid", "setgid", "setreuid", "setregid", "setresuid", "setresgid", "setgroups", "setfsuid",
    "setfsgid"};

absl::Status Errno(const char* what) { return absl::ErrnoToStatus(errno, what); }

absl::Status Limit(int resource, rlim_t value) {
  const rlimit limit = {value, value};
  return setrlimit(static_cast<__rlimit_resource_t>(resource), &limit) == 0
             ? absl::OkStatus()
             : Errno("set a resource limit");
}

absl::Status SetLimits(const SandboxOptions& options) {
  RETURN_IF_ERROR(Limit(RLIMIT_CORE, 0));
  RETURN_IF_ERROR(Limit(RLIMIT_NOFILE, static_cast<rlim_t>(options.open_files_max)));
  RETURN_IF_ERROR(Limit(RLIMIT_FSIZE, options.file_bytes_max));
  signal(SIGXFSZ, SIG_IGN);  // a file that grows too large is an error of the write
  if (kSanitized || options.memory_bytes_max == 0) return absl::OkStatus();
  return Limit(RLIMIT_DATA, options.memory_bytes_max);
}

// Root in a container, too, has nothing left but what its own files allow.
absl::Status DropCapabilities(bool may_bind_low_ports) {
  for (int capability = 0; capability < 64; ++capability) {
    prctl(PR_CAPBSET_DROP, capability, 0, 0, 0);  // fails past the last one, or without the right
  }
  prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[2] = {};
  if (syscall(SYS_capget, &header, data) != 0) return Errno("read the capabilities");
  const uint32_t kept = may_bind_low_ports ? uint32_t{1} << CAP_NET_BIND_SERVICE : 0;
  const uint32_t low = data[0].permitted & kept;
  data[0] = {low, low, 0};
  data[1] = {0, 0, 0};
  if (syscall(SYS_capset, &header, data) != 0) return Errno("drop the capabilities");
  return absl::OkStatus();
}

using Filter = std::unique_ptr<void, void (*)(void*)>;

absl::Status Refuse(void* filter, const char* name, int error = EPERM) {
  const int number = seccomp_syscall_resolve_name(name);
  if (number == __NR_SCMP_ERROR) return absl::OkStatus();
  const int code = seccomp_rule_add(filter, SCMP_ACT_ERRNO(error), number, 0);
  return code == 0 ? absl::OkStatus() : absl::ErrnoToStatus(-code, absl::StrCat("refuse ", name));
}

absl::Status RefuseIf(void* filter, int number, scmp_arg_cmp condition) {
  const int code = seccomp_rule_add_array(filter, SCMP_ACT_ERRNO(EPERM), number, 1, &condition);
  return code == 0 ? absl::OkStatus() : absl::ErrnoToStatus(-code, "refuse a call");
}

absl::Status RefuseSockets(void* filter, Network network) {
  if (network == Network::kNone) {
    for (const char* name : {"socket", "connect", "bind", "sendmmsg"}) {
      RETURN_IF_ERROR(Refuse(filter, name));
    }
  } else {
    // Only IPv4 (2), IPv6 (10) and netlink (16), which names' resolution asks for addresses. No
    // Unix sockets: a container engine listens on one.
    static_assert(AF_INET == 2 && AF_INET6 == 10 && AF_NETLINK == 16);
    for (uint64_t family = 0; family < 64; ++family) {
      if (family == AF_INET || family == AF_INET6 || family == AF_NETLINK) continue;
      RETURN_IF_ERROR(RefuseIf(filter, SCMP_SYS(socket), SCMP_A0(SCMP_CMP_EQ, family)));
    }
    RETURN_IF_ERROR(RefuseIf(filter, SCMP_SYS(socket), SCMP_A0(SCMP_CMP_GE, 64)));
  }
  if (network == Network::kListen) return absl::OkStatus();
  for (const char* name : {"listen", "accept", "accept4"}) RETURN_IF_ERROR(Refuse(filter, name));
  return absl::OkStatus();
}

absl::Status RefusePrograms(void* filter, Programs programs) {
  if (programs == Programs::kStart) return absl::OkStatus();
  // What it starts gives up its rights once more.
  for (const char* name : {"execve", "fork", "vfork", "pidfd_open", "capset"}) {
    RETURN_IF_ERROR(Refuse(filter, name));
  }
  if (programs == Programs::kNone) RETURN_IF_ERROR(Refuse(filter, "execveat"));
  // A thread is a clone with CLONE_THREAD. The flags of clone3 stand in memory, where no filter can
  // look; without it the C library uses clone.
  RETURN_IF_ERROR(Refuse(filter, "clone3", ENOSYS));
  RETURN_IF_ERROR(RefuseIf(filter, SCMP_SYS(clone), SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, 0)));
  // Signals for itself only, such as abort().
  const auto self = static_cast<uint64_t>(getpid());
  RETURN_IF_ERROR(RefuseIf(filter, SCMP_SYS(kill), SCMP_A0(SCMP_CMP_NE, self)));
  return RefuseIf(filter, SCMP_SYS(tgkill), SCMP_A0(SCMP_CMP_NE, self));
}

absl::Status LoadFilter(Network network, Programs programs) {
  const Filter owned(seccomp_init(SCMP_ACT_ALLOW), &seccomp_release);
  void* const filter = owned.get();
  if (filter == nullptr) return absl::InternalError("seccomp gives no filter");
  for (const char* name : kRefusedCalls) RETURN_IF_ERROR(Refuse(filter, name));
  RETURN_IF_ERROR(RefusePrograms(filter, programs));
  RETURN_IF_ERROR(RefuseSockets(filter, network));
  if (const int code = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1); code != 0) {
    return absl::ErrnoToStatus(-code, "filter every thread");
  }
  if (const int code = seccomp_load(filter); code != 0) {
    return absl::ErrnoToStatus(-code, "load the seccomp filter");
  }
  return absl::OkStatus();
}

}  // namespace

std::vector<std::string> FilesForConnecting() {
  return {"/etc/resolv.conf",
          "/etc/hosts",
          "/etc/host.conf",
          "/etc/nsswitch.conf",
          "/etc/gai.conf",
          "/etc/services",
          "/etc/ssl/certs",
          "/etc/ssl/openssl.cnf",
          "/etc/ld.so.cache",
          "/usr/share/ca-certificates",
          "/usr/local/share/ca-certificates",
          "/lib",
          "/lib64",
          "/usr/lib",
          "/run/systemd/resolve",
          "/run/resolvconf",
          "/run/NetworkManager",
          "/dev/urandom",
          "/dev/null"};
}

absl::StatusOr<std::vector<std::string>> EnterSandbox(const SandboxOptions& options) {
  RETURN_IF_ERROR(SetLimits(options));
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return Errno("give up new privileges");
  if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) return Errno("forbid tracing");
  RETURN_IF_ERROR(DropCapabilities(options.network == Network::kListen));
  LandlockRules rules{options.readable, options.writable, options.executables,
                      options.network == Network::kListen};
  ASSIGN_OR_RETURN(const int landlock, EnforceLandlock(rules));
  RETURN_IF_ERROR(LoadFilter(options.network, options.programs));
  std::vector<std::string> missing;
  if (landlock == 0) missing.push_back("Landlock: files are not restricted");
  if (kSanitized) missing.push_back("memory: no limit under a sanitizer");
  return missing;
}

void LimitCpuTime(absl::Duration duration) {
  rusage used = {};
  getrusage(RUSAGE_SELF, &used);
  const rlim_t so_far = static_cast<rlim_t>(used.ru_utime.tv_sec + used.ru_stime.tv_sec);
  const rlim_t more = static_cast<rlim_t>(absl::ToInt64Seconds(duration));
  const rlimit limit = {so_far + more + 1, RLIM_INFINITY};
  setrlimit(RLIMIT_CPU, &limit);
}

}  // namespace muster
