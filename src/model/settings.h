#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"

// The configuration: one table of rows (settings.cc; keys without meaning here in settings_idle.h)
// from which parsing and checking (settings_assign.cc), printing and docs/configuration.md
// (settings_print.cc) and remote updates (live_settings.h) are made. A key is added by one member
// here and one row there.
namespace oncemq::model {

// Values in the units that their rows name. The initialisers are the defaults. Thread rule:
// external.
struct Settings {
  // who we are and where we listen
  std::string cluster_name = "DefaultCluster";
  std::string broker_name;  // empty: the host's name
  std::int32_t broker_id = 0;
  std::string broker_ip;  // empty: see the row
  std::string bind_address = "0.0.0.0";
  std::int32_t listen_port = 10911;
  std::int32_t fast_listen_port = -1;  // -1: listen_port - 2; 0: none
  std::int32_t namesrv_listen_port = 9876;
  std::string namesrv_addr;  // `;` separated
  std::string http_bind_address = "127.0.0.1";
  std::int32_t http_listen_port = 8082;
  std::int32_t http_max_connections = 100;
  bool http_admin_remote = false;
  std::int32_t metrics_topics_max = 100;
  std::string roles = "namesrv,broker";
  std::string log_level = "info";

  // connections
  std::int32_t event_loop_threads = 0;  // 0: min(processors, 4)
  std::int32_t max_connections = 20000;
  std::int64_t max_bytes_in_flight = 512LL << 20;
  std::int64_t max_connection_bytes_in_flight = 256LL << 20;
  std::int32_t channel_idle_s = 120;
  std::int32_t channel_expired_ms = 120'000;
  std::int32_t queue_lock_ms = 60'000;

  // topics and groups
  std::int32_t broker_permission = 6;
  std::int32_t default_topic_queues = 8;
  bool auto_create_topic = true;
  bool auto_create_group = true;
  bool cluster_topic = true;
  bool broker_topic = true;
  bool trace_topic = false;
  std::string trace_topic_name = "RMQ_SYS_TRACE_TOPIC";
  std::string idempotent_key;
  std::string idempotent_window = "24h";
  std::string idempotent_mode = "enforce";
  std::string idempotent_mismatch = "store";
  std::int64_t idempotent_keys_max = 20'000'000;
  bool notify_consumer_ids_changed = true;
  bool register_producer = true;
  std::string region_id = "DefaultRegion";
  bool trace_on = true;

  // send
  std::int32_t max_message_size = 4 << 20;
  std::string message_delay_level = "1s 5s 10s 30s 1m 2m 3m 4m 5m 6m 7m 8m 9m 10m 20m 30m 1h 2h";
  bool reject_transaction_message = false;
  std::int32_t transaction_timeout_ms = 6'000;
  std::int32_t transaction_check_interval_ms = 30'000;
  std::int32_t transaction_check_max = 15;
  std::int64_t start_accept_send_timestamp = 0;
  bool timer_wheel = true;
  std::int32_t timer_max_delay_s = 40 * 86'400;
  std::int32_t timer_precision_ms = 1000;
  bool count_repeated_sends = true;
  bool recall = false;
  bool recall_unwritable = false;

  // consume
  bool long_polling = true;
  std::int32_t short_polling_ms = 1000;
  std::int32_t max_parked_pulls = 100'000;
  std::int32_t pop_inflight_threshold = 10'000;
  bool pop_retry_topic_v1 = true;
  bool pop_retry_topic_v2 = false;
  std::string default_request_mode = "PULL";
  std::int32_t default_pop_share_queues = -1;
  bool lite_pull = true;
  bool property_filter = true;
  bool store_reply = true;
  bool allow_faults = false;
  std::int64_t delivery_ledger_bytes = 16 << 20;
  std::int32_t pull_batch_max_messages = 160;
  std::int32_t transfer_bytes_in_memory = 256 << 10;
  std::int32_t transfer_count_in_memory = 32;

  // store
  std::string store_root = "./data";
  std::string flush_disk_type = "ASYNC_FLUSH";
  std::int64_t log_file_size = 1LL << 30;
  std::int64_t queue_file_size = 6'000'000;
  std::int32_t flush_interval_ms = 500;
  std::int32_t sync_flush_timeout_ms = 5000;
  bool append_property_crc = true;
  bool index_enabled = true;
  std::int32_t index_slots = 5'000'000;
  std::int32_t index_entries = 20'000'000;
  std::int32_t file_reserved_hours = 72;
  std::string delete_when = "04";
  std::int32_t disk_max_used_percent = 75;
  std::int32_t disk_force_clean_percent = 85;
  std::int32_t disk_warning_percent = 90;
  bool clean_forcibly = true;
  std::int64_t free_space_floor = 64LL << 20;
  std::int64_t staging_bytes = 32LL << 20;
  std::int32_t offset_flush_interval_ms = 5000;
  std::int32_t delay_offset_flush_interval_ms = 10'000;

  // registration and name service
  std::int32_t register_period_ms = 30'000;
  std::int32_t register_timeout_ms = 24'000;
  std::int32_t scan_inactive_brokers_ms = 5000;
  bool order_message = false;
  bool return_order_topic_config = true;
  bool delete_topic_with_registration = false;
  bool support_acting_master = false;
  bool need_wait_for_service = false;
  std::int32_t wait_for_service_s = 45;

  bool operator==(const Settings&) const = default;
};

enum class Change : std::uint8_t {
  kAtStart,  // takes effect at the next start
  kDynamic,  // may be updated remotely, takes effect at once
};

// One key. Rows with an empty `member` are known to Apache and mean nothing here: they are accepted
// and `help` says why.
struct SettingRow {
  using Member = std::variant<std::monostate, std::string Settings::*, bool Settings::*,
                              std::int32_t Settings::*, std::int64_t Settings::*>;
  std::string_view name;
  Member member;
  std::int64_t min = 0;  // numbers only
  std::int64_t max = 0;
  std::string_view choices;  // `|` separated; texts only, empty: any
  std::string_view unit;
  std::string_view help;
  Change change = Change::kAtStart;
  Status (*check)(std::string_view value) = nullptr;

  bool has_meaning() const { return member.index() != 0; }
  std::string_view type() const;  // "text", "switch", "number"
  std::string range() const;      // "1..65535", "ASYNC_FLUSH|SYNC_FLUSH", "true|false", ""
};

// In the order of the documentation.
std::span<const SettingRow> setting_rows();
const SettingRow* find_setting(std::string_view name);
// The known name that is closest to `name`.
std::string_view nearest_setting(std::string_view name);

std::string setting_text(const Settings& settings, const SettingRow& row);

// Sets one key. kNotFound (with the nearest name) | kInvalidArgument (with the range). A key
// without meaning is OK and changes nothing.
Status apply_setting(Settings& settings, std::string_view name, std::string_view value);

// What no single row can say, for example that two ports are equal. kInvalidArgument.
Status check_settings(const Settings& settings);

// Applies a file; errors name `origin` and the line. Returns a sentence for each key that was
// accepted without meaning.
Result<std::vector<std::string>> apply_properties(Settings& settings, std::string_view text,
                                                  std::string_view origin);

// `key=value` lines of all rows with meaning, in table order; what request 26 and --print-config
// show.
std::string print_settings(const Settings& settings);

// The content of docs/configuration.md.
std::string settings_markdown();

}  // namespace oncemq::model
