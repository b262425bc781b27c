// The class PrefixIndex: one native index a process and id, one object of it in every thread.
#include <algorithm>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "addon/bindings.h"
#include "addon/index_registry.h"
#include "addon/index_settings.h"
#include "addon/typed_arguments.h"
#include "core/matcher.h"

namespace kv {
namespace {

struct Attachment {
  uint32_t id;
  std::shared_ptr<PrefixIndex> index;
};

std::optional<std::span<const uint64_t>> Hashes(Napi::Env env, napi_value value) {
  return Elements<const uint64_t>(env, value, napi_biguint64_array,
                                  "hashes must be a BigUint64Array");
}

// A slot, without what lies beside it.
constexpr double kLeastBytesPerBlock = 16;

class IndexObject : public Napi::ObjectWrap<IndexObject> {
 public:
  static Napi::Function Define(Napi::Env env) {
    return DefineClass(env, "PrefixIndex",
                       {
                           StaticMethod<&IndexObject::Attach>("attach"),
                           InstanceAccessor<&IndexObject::Id>("id"),
                           InstanceMethod<&IndexObject::Store>("store"),
                           InstanceMethod<&IndexObject::Remove>("remove"),
                           InstanceMethod<&IndexObject::Clear>("clear"),
                           InstanceMethod<&IndexObject::Maintain>("maintain"),
                           InstanceMethod<&IndexObject::Match>("match"),
                           InstanceMethod<&IndexObject::BlocksOf>("blocksOf"),
                           InstanceMethod<&IndexObject::Stats>("stats"),
                           InstanceMethod<&IndexObject::Census>("census"),
                           InstanceMethod<&IndexObject::BeginExport>("beginExport"),
                           InstanceMethod<&IndexObject::ExportSlice>("exportSlice"),
                           InstanceMethod<&IndexObject::FinishExport>("finishExport"),
                           InstanceMethod<&IndexObject::CancelExport>("cancelExport"),
                           InstanceMethod<&IndexObject::BeginImport>("beginImport"),
                           InstanceMethod<&IndexObject::ImportSlice>("importSlice"),
                           InstanceMethod<&IndexObject::EndImport>("endImport"),
                       });
  }

  explicit IndexObject(const Napi::CallbackInfo& info) : Napi::ObjectWrap<IndexObject>(info) {
    if (info[0].IsExternal()) {
      const Attachment& attachment = *info[0].As<Napi::External<Attachment>>().Data();
      id_ = attachment.id;
      index_ = attachment.index;
    } else {
      const std::optional<IndexSettings> settings = ReadIndexSettings(info.Env(), info[0]);
      if (!settings.has_value()) return;
      index_ = std::make_shared<PrefixIndex>(*settings);
      id_ = IndexRegistry::OfProcess().Add(index_);
    }
    reader_hint_ = index_->NewReaderHint();
  }

  [[nodiscard]] const std::shared_ptr<PrefixIndex>& index() const { return index_; }

 private:
  static Napi::Value Attach(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    const std::optional<uint32_t> id = Integer(info[0], UINT32_MAX, "id");
    if (!id.has_value()) return env.Undefined();
    Attachment attachment{*id, IndexRegistry::OfProcess().Find(*id)};
    if (attachment.index == nullptr) {
      Napi::Error::New(env, "there is no prefix index with id " + std::to_string(*id))
          .ThrowAsJavaScriptException();
      return env.Undefined();
    }
    return env.GetInstanceData<ThreadState>()->prefix_index_class.New(
        {Napi::External<Attachment>::New(env, &attachment)});
  }

  Napi::Value Id(const Napi::CallbackInfo& info) { return Napi::Number::New(info.Env(), id_); }

  Napi::Value Store(const Napi::CallbackInfo& info) {
    const std::optional<Target> target = TargetOf(info);
    if (!target.has_value()) return info.Env().Undefined();
    std::optional<uint64_t> parent;
    if (info[3].IsBigInt()) {
      bool lossless = false;
      parent = info[3].As<Napi::BigInt>().Uint64Value(&lossless);
    }
    return Napi::Number::New(
        info.Env(), index_->Store(target->endpoint, target->tier, target->block_hashes, parent));
  }

  Napi::Value Remove(const Napi::CallbackInfo& info) {
    const std::optional<Target> target = TargetOf(info);
    if (!target.has_value()) return info.Env().Undefined();
    return Napi::Number::New(info.Env(),
                             index_->Remove(target->endpoint, target->tier, target->block_hashes));
  }

  Napi::Value Clear(const Napi::CallbackInfo& info) {
    const std::optional<uint32_t> endpoint = Integer(info[0], kMaxEndpoints, "endpoint");
    if (!endpoint.has_value()) return info.Env().Undefined();
    std::optional<Tier> tier;
    if (!info[1].IsNull()) {
      const std::optional<uint32_t> given = Integer(info[1], kTiers, "tier");
      if (!given.has_value()) return info.Env().Undefined();
      tier = static_cast<Tier>(*given);
    }
    index_->Clear(*endpoint, tier);
    return info.Env().Undefined();
  }

  Napi::Value Maintain(const Napi::CallbackInfo& info) {
    // About half a millisecond.
    constexpr uint32_t kBuckets = 8192;
    return Napi::Boolean::New(info.Env(), index_->Maintain(kBuckets));
  }

  Napi::Value Match(const Napi::CallbackInfo& info) {
    const auto hashes = Hashes(info.Env(), info[0]);
    if (!hashes.has_value()) return info.Env().Undefined();
    const auto triples =
        Elements<uint32_t>(info.Env(), info[1], napi_uint32_array, "triples must be a Uint32Array");
    if (!triples.has_value()) return info.Env().Undefined();
    const auto matches = index_->Match(matcher_, reader_hint_, *hashes);
    const size_t count = std::min(matches.size(), triples->size() / 3);
    uint32_t* next = triples->data();
    for (const EndpointMatch& match : matches.first(count)) {
      *next++ = match.endpoint;
      *next++ = match.leading_blocks;
      *next++ = match.credit;
    }
    return Napi::Number::New(info.Env(), static_cast<double>(count));
  }

  Napi::Value BlocksOf(const Napi::CallbackInfo& info) {
    const std::optional<uint32_t> endpoint = Integer(info[0], kMaxEndpoints, "endpoint");
    if (!endpoint.has_value()) return info.Env().Undefined();
    const std::optional<uint32_t> tier = Integer(info[1], kTiers, "tier");
    if (!tier.has_value()) return info.Env().Undefined();
    return Napi::Number::New(info.Env(), index_->BlocksOf(*endpoint, static_cast<Tier>(*tier)));
  }

  Napi::Value Stats(const Napi::CallbackInfo& info) {
    const IndexStats stats = index_->Stats();
    auto result = Napi::Object::New(info.Env());
    const auto set = [&](const char* name, uint64_t value) {
      result.Set(name, Napi::Number::New(info.Env(), static_cast<double>(value)));
    };
    set("blocks", stats.blocks);
    set("bytes", stats.bytes);
    set("maxBytes", stats.max_bytes);
    set("refusedBlocks", stats.refused_blocks);
    return result;
  }

  Napi::Value Census(const Napi::CallbackInfo& info) {
    const IndexCensus::Counts counts = index_->Census();
    auto result = Napi::Uint32Array::New(info.Env(), counts.size());
    std::copy(counts.begin(), counts.end(), result.Data());
    return result;
  }

  Napi::Value BeginExport(const Napi::CallbackInfo& info) {
    return Napi::Boolean::New(info.Env(), index_->BeginExport());
  }

  // { slice, last }, or null: the export is over.
  Napi::Value ExportSlice(const Napi::CallbackInfo& info) {
    std::vector<uint8_t> slice;
    const PrefixIndex::ExportState state = index_->ExportSlice(slice);
    if (state == PrefixIndex::ExportState::kFailed) return info.Env().Null();
    auto result = Napi::Object::New(info.Env());
    result.Set("slice", Bytes(info.Env(), slice));
    result.Set("last", Napi::Boolean::New(info.Env(), state == PrefixIndex::ExportState::kLast));
    return result;
  }

  Napi::Value FinishExport(const Napi::CallbackInfo& info) {
    std::vector<uint8_t> slice;
    index_->FinishExport(slice);
    return Bytes(info.Env(), slice);
  }

  void CancelExport(const Napi::CallbackInfo&) { index_->CancelExport(); }

  Napi::Value BeginImport(const Napi::CallbackInfo& info) {
    const double blocks = info[0].IsNumber() ? info[0].As<Napi::Number>().DoubleValue() : -1;
    const auto endpoints = Elements<const uint16_t>(info.Env(), info[1], napi_uint16_array,
                                                    "endpoints must be a Uint16Array");
    if (!endpoints.has_value()) return info.Env().Undefined();
    // What a snapshot claims to hold may be wrong; room is made for what fits at most.
    const double most = static_cast<double>(index_->Stats().max_bytes) / kLeastBytesPerBlock;
    index_->BeginImport(static_cast<uint64_t>(std::clamp(blocks, 0.0, most)), *endpoints);
    importing_ = true;
    return info.Env().Undefined();
  }

  Napi::Value ImportSlice(const Napi::CallbackInfo& info) {
    const auto slice = Elements<const uint8_t>(info.Env(), info[0], napi_uint8_array,
                                               "slice must be a Uint8Array");
    if (!slice.has_value()) return info.Env().Undefined();
    if (!importing_) {
      ThrowTypeError(info.Env(), "importSlice needs beginImport first");
      return info.Env().Undefined();
    }
    const char* const fault = index_->ImportSlice(*slice);
    if (fault == nullptr) return info.Env().Null();
    return Napi::String::New(info.Env(), fault);
  }

  void EndImport(const Napi::CallbackInfo&) {
    index_->EndImport();
    importing_ = false;
  }

  static Napi::Value Bytes(Napi::Env env, const std::vector<uint8_t>& bytes) {
    auto result = Napi::Uint8Array::New(env, bytes.size());
    std::copy(bytes.begin(), bytes.end(), result.Data());
    return result;
  }

  struct Target {
    uint32_t endpoint;
    Tier tier;
    std::span<const uint64_t> block_hashes;
  };
  // Arguments of store and remove.
  static std::optional<Target> TargetOf(const Napi::CallbackInfo& info) {
    const std::optional<uint32_t> endpoint = Integer(info[0], kMaxEndpoints, "endpoint");
    if (!endpoint.has_value()) return std::nullopt;
    const std::optional<uint32_t> tier = Integer(info[1], kTiers, "tier");
    if (!tier.has_value()) return std::nullopt;
    const auto hashes = Hashes(info.Env(), info[2]);
    if (!hashes.has_value()) return std::nullopt;
    return Target{*endpoint, static_cast<Tier>(*tier), *hashes};
  }

  uint32_t id_ = 0;
  std::shared_ptr<PrefixIndex> index_;
  Matcher matcher_;
  uint32_t reader_hint_ = 0;
  bool importing_ = false;
};

}  // namespace

void RegisterIndex(Napi::Env env, Napi::Object exports) {
  const Napi::Function index_class = IndexObject::Define(env);
  env.GetInstanceData<ThreadState>()->prefix_index_class = Napi::Persistent(index_class);
  exports.Set("PrefixIndex", index_class);
  exports.Set("maxEndpoints", Napi::Number::New(env, kMaxEndpoints));
}

std::shared_ptr<PrefixIndex> IndexOf(Napi::Env env, const Napi::Value& value) {
  const Napi::Function index_class = env.GetInstanceData<ThreadState>()->prefix_index_class.Value();
  if (!value.IsObject() || !value.As<Napi::Object>().InstanceOf(index_class)) {
    ThrowTypeError(env, "index must be a PrefixIndex");
    return nullptr;
  }
  IndexObject* const object = IndexObject::Unwrap(value.As<Napi::Object>());
  return object == nullptr ? nullptr : object->index();
}

}  // namespace kv
