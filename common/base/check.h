// CHECK: what can only be false by our own mistake. Kept in every build; never for outside input.
//
//   CHECK(generation > 0) << "cluster " << id;
//
// A failed check prints file, line, condition and message on stderr and aborts: the restart path
// is the tested path. Any thread.
#pragma once

#include <sstream>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace muster::check_internal {

// Collects the message; its destructor prints it and aborts.
class Failure {
 public:
  Failure(const char* file, int line, const char* condition);
  [[noreturn]] ~Failure();

  std::ostream& stream() { return stream_; }

 private:
  std::ostringstream stream_;
};

// Turns the stream expression into void, so that CHECK is one expression.
struct Voidify {
  void operator&&(std::ostream&) {}
};

inline absl::Status ToStatus(const absl::Status& status) { return status; }
template <typename T>
absl::Status ToStatus(const absl::StatusOr<T>& status) {
  return status.status();
}

}  // namespace muster::check_internal

#define CHECK(condition)                               \
  (condition) ? static_cast<void>(0)                   \
              : ::muster::check_internal::Voidify() && \
                    ::muster::check_internal::Failure(__FILE__, __LINE__, #condition).stream()

#define CHECK_EQ(a, b) CHECK((a) == (b))
#define CHECK_NE(a, b) CHECK((a) != (b))
#define CHECK_LE(a, b) CHECK((a) <= (b))
#define CHECK_LT(a, b) CHECK((a) < (b))
#define CHECK_GE(a, b) CHECK((a) >= (b))
#define CHECK_GT(a, b) CHECK((a) > (b))
#define CHECK_OK(expression)                                                            \
  do {                                                                                  \
    const absl::Status check_status = ::muster::check_internal::ToStatus((expression)); \
    CHECK(check_status.ok()) << check_status;                                           \
  } while (false)
