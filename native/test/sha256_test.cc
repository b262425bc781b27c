#include "core/sha256.h"

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "test/check.h"

namespace {

std::vector<const kv::Sha256*> Implementations() {
  std::vector<const kv::Sha256*> list = {&kv::PortableSha256()};
  for (const kv::Sha256* one : {kv::X86Sha256(), kv::ArmSha256()}) {
    if (one != nullptr) list.push_back(one);
  }
  return list;
}

std::string HexDigest(const kv::Sha256& sha256, std::string_view text) {
  std::array<uint8_t, kv::kSha256DigestBytes> digest;
  // An exact copy, so that a sanitizer sees any read beyond the message.
  const std::vector<uint8_t> message(text.begin(), text.end());
  kv::HashSha256(sha256, message, digest.data());
  std::string hex;
  for (const uint8_t byte : digest) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    hex += kDigits[byte >> 4];
    hex += kDigits[byte & 15];
  }
  return hex;
}

}  // namespace

// Expected digests: the examples of FIPS 180-4, published by NIST.
TEST(EverySha256GivesThePublishedDigests) {
  for (const kv::Sha256* sha256 : Implementations()) {
    CHECK(HexDigest(*sha256, "") ==
          "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    CHECK(HexDigest(*sha256, "abc") ==
          "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    CHECK(HexDigest(*sha256, "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq") ==
          "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    CHECK(HexDigest(*sha256, std::string(1000000, 'a')) ==
          "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
  }
}

TEST(EverySha256PadsEveryLengthAlike) {
  for (size_t bytes = 0; bytes < 300; ++bytes) {
    const std::string text(bytes, static_cast<char>(bytes));
    const std::string expected = HexDigest(kv::PortableSha256(), text);
    for (const kv::Sha256* sha256 : Implementations()) {
      CHECK(HexDigest(*sha256, text) == expected);
    }
  }
}

TEST(PaddingCountsTheBlocksOfAMessage) {
  std::vector<uint8_t> buffer(512);
  for (const auto& [bytes, blocks] :
       {std::pair<size_t, size_t>{0, 1}, {55, 1}, {56, 2}, {64, 2}, {119, 2}, {120, 3}, {128, 3}}) {
    CHECK_EQUAL(kv::PadSha256(buffer.data(), buffer.data() + bytes), blocks);
  }
}
