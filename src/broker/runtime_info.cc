#include "broker/runtime_info.h"

#include <array>
#include <cstdio>

namespace oncemq::broker {

namespace {

std::string text(std::int64_t number) {
  return std::to_string(number);
}
std::string text(std::uint64_t number) {
  return std::to_string(number);
}

std::string ratio(double value) {
  std::array<char, 32> buffer{};
  const int size = std::snprintf(buffer.data(), buffer.size(), "%.4f", value);
  return {buffer.data(), static_cast<std::size_t>(size)};
}

// "[ 2 days, 3 hours, 4 minutes, 5 seconds ]", as operators know it.
std::string duration(std::int64_t ms) {
  const std::int64_t seconds = ms / 1000;
  return "[ " + text(seconds / 86'400) + " days, " + text(seconds / 3'600 % 24) + " hours, " +
         text(seconds / 60 % 60) + " minutes, " + text(seconds % 60) + " seconds ]";
}

}  // namespace

RuntimeInfo::RuntimeInfo(const Options& options, const Switches& switches, const Schedule& schedule,
                         const Timers& timers, const store::MessageStore& store,
                         const BrokerStats& stats, const os::Clock& clock)
    : options_(options),
      switches_(switches),
      schedule_(schedule),
      timers_(timers),
      store_(store),
      stats_(stats),
      clock_(clock),
      boot_ms_(clock.wall_ms()) {}

std::map<std::string, std::string> RuntimeInfo::table() const {
  const store::StoreStats store = store_.stats();
  const BrokerStats::Days days = stats_.days();
  std::map<std::string, std::string> table;
  table["brokerActive"] = "true";
  table["bootTimestamp"] = text(boot_ms_);
  table["runtime"] = duration(clock_.wall_ms() - boot_ms_);
  table["startAcceptSendRequestTimeStamp"] =
      text(switches_.start_accept_send_ms.load(std::memory_order_relaxed));

  table["msgPutTotalYesterdayMorning"] = text(days.put_yesterday_morning);
  table["msgPutTotalTodayMorning"] = text(days.put_today_morning);
  table["msgPutTotalTodayNow"] = text(stats_.put_total());
  table["msgGetTotalYesterdayMorning"] = text(days.get_yesterday_morning);
  table["msgGetTotalTodayMorning"] = text(days.get_today_morning);
  table["msgGetTotalTodayNow"] = text(stats_.get_total());
  table["putTps"] = stats_.put_rates().to_string();
  table["getFoundTps"] = stats_.get_found_rates().to_string();
  table["getMissTps"] = stats_.get_missed_rates().to_string();
  table["getTotalTps"] = stats_.get_total_rates().to_string();
  table["getTransferredTps"] = stats_.get_message_rates().to_string();
  table["putMessageTimesTotal"] = text(stats_.put_total());
  table["putMessageFailedTimes"] = text(stats_.put_failed_total());
  table["putMessageSizeTotal"] = text(stats_.put_bytes_total());
  table["putMessageAverageSize"] =
      ratio(stats_.put_total() == 0 ? 0
                                    : static_cast<double>(stats_.put_bytes_total()) /
                                          static_cast<double>(stats_.put_total()));

  table["dispatchBehindBytes"] = text(store.dispatch_behind_bytes);
  table["earliestMessageTimeStamp"] = text(store.earliest_timestamp);
  table["remainHowManyDataToCommit"] = text(store.appended.value - store.flushed.value);
  table["remainHowManyDataToFlush"] = text(store.flushed.value - store.durable.value);
  table["commitLogMinOffset"] = text(store.min_offset.value);
  table["commitLogMaxOffset"] = text(store.appended.value);
  table["commitLogDiskRatio"] = ratio(store.disk_used_ratio);
  table["consumeQueueDiskRatio"] = ratio(store.queue_disk_used_ratio);
  table["commitLogDamagedPlaces"] = text(store.damaged_places);
  table["commitLogDamagedReads"] = text(store.damaged_reads);
  // Nothing here holds a lock for a page fault, and there is no pool between buffer and file.
  table["pageCacheLockTimeMills"] = "0";
  table["remainTransientStoreBufferNumbs"] = "0";
  const Timers::Figures timers = timers_.figures();
  table["timerReadBehind"] = text(timers.read_behind_ms / 1000);
  table["timerOffsetBehind"] = text(timers.offset_behind);
  table["timerCongestNum"] = text(timers.waiting);
  table["timerEnqueueTps"] = ratio(timers.enqueue_rate);
  table["timerDequeueTps"] = ratio(timers.deliver_rate);
  for (const Schedule::Level& level : schedule_.levels())
    if (level.max.value > 0)
      table["scheduleMessageOffset_" + std::to_string(level.level)] =
          text(level.offset.value) + "," + text(level.max.value);
  table["commitLogSyncs"] = text(store.syncs);
  table["commitLogSyncMaxMicros"] = text(store.sync_ns_max / 1000);
  table["brokerRole"] = options_.id == 0 ? "MASTER" : "SLAVE";
  return table;
}

}  // namespace oncemq::broker
