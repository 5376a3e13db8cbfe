#include "common/store/witness.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "common/base/digest.h"

namespace muster {
namespace {

// A slot: eight bytes of number, little endian, and eight of its checksum. One slot a sector.
constexpr int kSlots = 2;
constexpr off_t kSlotStride = 512;
constexpr size_t kNumberBytes = 8;
constexpr size_t kSlotBytes = 16;

std::string Encode(uint64_t number) {
  std::string slot;
  for (size_t i = 0; i < kNumberBytes; ++i) slot.push_back(static_cast<char>(number >> (8 * i)));
  const std::string checksum = Digest::Of(absl::StrCat("muster-witness-v1", slot)).bytes();
  return slot + checksum.substr(0, kSlotBytes - kNumberBytes);
}

// Zero for a slot that is empty or torn.
uint64_t Decode(absl::string_view slot) {
  uint64_t number = 0;
  for (size_t i = kNumberBytes; i-- > 0;) number = number << 8 | static_cast<uint8_t>(slot[i]);
  return Encode(number) == slot ? number : 0;
}

}  // namespace

absl::StatusOr<Witness> Witness::Open(const std::string& path) {
  const int file = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (file < 0) return absl::ErrnoToStatus(errno, absl::StrCat("open witness '", path, "'"));
  Witness witness(file);
  witness.Load();
  return witness;
}

void Witness::Load() {
  MutexLock lock(mutex_);
  for (int slot = 0; slot < kSlots; ++slot) {
    char bytes[kSlotBytes];
    if (pread(file_, bytes, kSlotBytes, slot * kSlotStride) != kSlotBytes) continue;
    const uint64_t number = Decode(absl::string_view(bytes, kSlotBytes));
    if (number > number_) {
      number_ = number;
      slot_ = (slot + 1) % kSlots;
    }
  }
}

Witness::~Witness() {
  if (file_ >= 0) close(file_);
}

uint64_t Witness::number() const {
  MutexLock lock(mutex_);
  return number_;
}

absl::Status Witness::Record(uint64_t number) {
  MutexLock lock(mutex_);
  if (number <= number_) return absl::OkStatus();
  const std::string bytes = Encode(number);
  if (pwrite(file_, bytes.data(), bytes.size(), slot_ * kSlotStride) !=
      static_cast<ssize_t>(bytes.size())) {
    return absl::ErrnoToStatus(errno, "write witness");
  }
  number_ = number;
  slot_ = (slot_ + 1) % kSlots;
  return absl::OkStatus();
}

absl::Status Witness::Sync() {
  return fdatasync(file_) == 0 ? absl::OkStatus() : absl::ErrnoToStatus(errno, "sync witness");
}

}  // namespace muster
