// The whole test framework: TEST(name) { CHECK(...); } in any file, run by test_main.cc.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

namespace kv::test {

// Sanitizers make everything several times slower, and more so on a busy machine.
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
inline constexpr bool kSanitized = true;
#else
inline constexpr bool kSanitized = false;
#endif

// ThreadSanitizer has little to find where one thread runs: such tests do a part of their rounds.
#if defined(__SANITIZE_THREAD__)
inline constexpr int kSingleThreadShare = 5;
#else
inline constexpr int kSingleThreadShare = 1;
#endif

struct Test {
  const char* name;
  void (*run)();
};

inline std::vector<Test>& Tests() {
  static std::vector<Test> tests;
  return tests;
}

struct Registration {
  Registration(const char* name, void (*run)()) { Tests().push_back({name, run}); }
};

[[noreturn]] inline void Fail(const char* file, int line, const char* what) {
  std::fprintf(stderr, "%s:%d: CHECK failed: %s\n", file, line, what);
  std::abort();
}

[[noreturn]] inline void FailEqual(const char* file, int line, const char* what,
                                   unsigned long long left, unsigned long long right) {
  std::fprintf(stderr, "%s:%d: CHECK_EQUAL failed: %s: %llu != %llu\n", file, line, what, left,
               right);
  std::abort();
}

}  // namespace kv::test

#define TEST(name)                                                             \
  static void Test_##name();                                                   \
  static const kv::test::Registration registration_##name(#name, Test_##name); \
  static void Test_##name()

#define CHECK(condition)                                              \
  do {                                                                \
    if (!(condition)) kv::test::Fail(__FILE__, __LINE__, #condition); \
  } while (false)

#define CHECK_EQUAL(left, right)                                                             \
  do {                                                                                       \
    const auto left_value = static_cast<unsigned long long>(left);                           \
    const auto right_value = static_cast<unsigned long long>(right);                         \
    if (left_value != right_value) {                                                         \
      kv::test::FailEqual(__FILE__, __LINE__, #left " == " #right, left_value, right_value); \
    }                                                                                        \
  } while (false)
