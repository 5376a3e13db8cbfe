// Wipe: a secret's bytes are gone from memory when the guard goes out of scope, so that neither a
// core dump nor memory that is given out again shows a key. Texts that were opened and handed on
// are their new owner's. Any thread.
#pragma once

#include <string>

namespace muster {

// Overwrites and empties it; the compiler does not leave that out.
void WipeSecret(std::string& secret);

class Wipe {
 public:
  // `secret` must outlive this.
  explicit Wipe(std::string& secret) : secret_(secret) {}
  ~Wipe() { WipeSecret(secret_); }
  Wipe(const Wipe&) = delete;
  Wipe& operator=(const Wipe&) = delete;

 private:
  std::string& secret_;
};

}  // namespace muster
