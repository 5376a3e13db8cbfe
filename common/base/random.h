// Random: where random bits come from. A core that needs some gets a Random through its
// constructor, so that a simulation can bring its own seed.
//
// SystemRandom asks the operating system and is fit for keys and tokens; SeededRandom repeats
// itself and is for simulations and backoff only. SystemRandom: any thread; SeededRandom: one.
#pragma once

#include <cstdint>
#include <random>
#include <string>

namespace muster {

class Random {
 public:
  virtual ~Random() = default;
  virtual uint64_t Next() = 0;

  // A number in [0, bound). Requires: bound > 0.
  uint64_t Below(uint64_t bound) { return Next() % bound; }

  // A fraction in [0, 1).
  double Fraction() { return static_cast<double>(Next() >> 11) * 0x1.0p-53; }

  // `size` random bytes.
  std::string Bytes(size_t size);
};

class SystemRandom final : public Random {
 public:
  uint64_t Next() override;
};

class SeededRandom final : public Random {
 public:
  explicit SeededRandom(uint64_t seed) : engine_(seed) {}
  uint64_t Next() override { return engine_(); }

 private:
  std::mt19937_64 engine_;
};

}  // namespace muster
