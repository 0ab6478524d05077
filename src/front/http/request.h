#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <llhttp.h>

#include "base/address.h"
#include "base/bytes.h"
#include "base/result.h"

namespace oncemq::front {

enum class HttpMethod : std::uint8_t { kGet, kHead, kPost, kPut, kDelete, kOther };
std::string_view method_name(HttpMethod method);  // "GET"; "?" for kOther

// One request. Thread rule: external.
struct HttpRequest {
  HttpMethod method = HttpMethod::kGet;
  std::string target;  // as sent: "/metrics?a=b"
  std::string host;    // the Host field; empty: none (HTTP/1.0)
  std::string accept;
  std::string content_type;
  std::string origin;  // the Origin field, which browsers send; empty: none
  std::string body;    // of a POST, PUT or DELETE
  bool keep_alive = false;
  Address peer;  // who asks, as the socket says

  std::string_view path() const { return std::string_view(target).substr(0, target.find('?')); }
};

// "/a/b%2Fc" as {"a", "b/c"}: cut first, then decoded. kBadBytes: not a path, a bad escape.
Result<std::vector<std::string>> path_segments(std::string_view path);
// Value of a query parameter, decoded; `fallback` when it is not there. kBadBytes: a bad escape.
Result<std::string> query_value(std::string_view target, std::string_view name,
                                std::string_view fallback = {});

// Cuts requests out of a stream: llhttp with our limits. The same unread bytes are given again with
// more behind them until a request is complete; each is looked at once. Thread rule: confined.
class HttpParser {
 public:
  static constexpr std::size_t kTargetMax = 4 << 10;
  static constexpr std::size_t kHeadMax = 8 << 10;  // with all fields
  static constexpr std::size_t kFieldsMax = 64;
  // The largest order names 64 dead letters or sets every setting: a few KiB.
  static constexpr std::size_t kBodyMax = 64 << 10;

  enum class State : std::uint8_t { kIncomplete, kComplete, kRefused };
  // Why a stream cannot go on: the status to answer with, and a sentence.
  struct Refusal {
    int status = 400;
    std::string_view reason;
  };

  HttpParser();
  HttpParser(const HttpParser&) = delete;
  HttpParser& operator=(const HttpParser&) = delete;

  // `unread` begins with the first byte of the request.
  State feed(Bytes unread);
  // After kComplete: the request, how many bytes it had, and on to the next.
  std::size_t size() const { return size_; }
  HttpRequest take();
  // After kRefused.
  const Refusal& refusal() const { return refusal_; }

 private:
  enum class FieldKind : std::uint8_t { kOther, kHost, kAccept, kContentType, kOrigin };
  static HttpParser& self(llhttp_t* parser) { return *static_cast<HttpParser*>(parser->data); }
  static int on_url(llhttp_t* parser, const char* at, std::size_t size);
  static int on_field(llhttp_t* parser, const char* at, std::size_t size);
  static int on_field_end(llhttp_t* parser);
  static int on_value(llhttp_t* parser, const char* at, std::size_t size);
  static int on_value_end(llhttp_t* parser);
  static int on_headers(llhttp_t* parser);
  static int on_body(llhttp_t* parser, const char* at, std::size_t size);
  static int on_complete(llhttp_t* parser);
  static const llhttp_settings_t& callbacks();
  // Where the field that is being read goes; null: nowhere.
  std::string* value();
  int once_only(std::size_t& count, std::string_view reason);
  int refuse(int status, std::string_view reason);
  State refused(int status, std::string_view reason);

  llhttp_t parser_{};
  HttpRequest request_;
  std::string field_;  // name of the field that is being read
  FieldKind kind_ = FieldKind::kOther;
  std::size_t fields_ = 0;
  std::size_t hosts_ = 0;
  std::size_t origins_ = 0;
  std::size_t types_ = 0;
  std::size_t fed_ = 0;
  std::size_t size_ = 0;
  bool complete_ = false;
  Refusal refusal_;
};

}  // namespace oncemq::front
