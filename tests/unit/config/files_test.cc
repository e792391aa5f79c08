// Which files are read: the search for the main one, conf.d, and the reference file itself.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <set>

#include "config/load.h"
#include "tests/unit/config/config_text.h"

namespace sluice::config {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

struct World {
  std::map<std::string, std::string> variables = {};
  std::set<fs::path> files = {};

  fs::path find(fs::path const& flag = {}) const {
    auto const get = [this](std::string const& name) -> std::optional<std::string> {
      auto const found = variables.find(name);
      return found == variables.end() ? std::nullopt : std::optional(found->second);
    };
    return find_config(flag, get, [this](fs::path const& path) { return files.contains(path); });
  }
};

TEST(FindConfig, TakesTheFlagBeforeEverything) {
  World const world{.variables = {{"SLUICE_CONFIG", "/env.yaml"}}, .files = {kSystemConfig}};
  EXPECT_EQ(world.find("flag.yaml"), "flag.yaml");
  EXPECT_EQ(world.find(), "/env.yaml");
}

TEST(FindConfig, TakesTheSystemsFileBeforeOnesOwn) {
  World world{.variables = {{"HOME", "/home/me"}}, .files = {kSystemConfig, "/home/me/.config/sluice/sluice.yaml"}};
  EXPECT_EQ(world.find(), kSystemConfig);
  world.files.erase(kSystemConfig);
  EXPECT_EQ(world.find(), "/home/me/.config/sluice/sluice.yaml");
}

TEST(FindConfig, HonoursXdgConfigHomeUnlessItIsRelative) {
  World world{.variables = {{"HOME", "/home/me"}, {"XDG_CONFIG_HOME", "/x"}},
              .files = {"/x/sluice/sluice.yaml", "/home/me/.config/sluice/sluice.yaml"}};
  EXPECT_EQ(world.find(), "/x/sluice/sluice.yaml");
  world.variables["XDG_CONFIG_HOME"] = "x";
  EXPECT_EQ(world.find(), "/home/me/.config/sluice/sluice.yaml");
}

TEST(FindConfig, NamesTheSystemsFileWhenThereIsNone) {
  EXPECT_EQ(World{}.find(), kSystemConfig);
  EXPECT_EQ((World{.variables = {{"SLUICE_CONFIG", ""}}}.find()), kSystemConfig);
}

class ConfigFiles : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "sluice-config-XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
  }
  void TearDown() override { fs::remove_all(folder_); }

  fs::path put(std::string const& name, std::string_view text) const {
    fs::create_directories((folder_ / name).parent_path());
    std::ofstream(folder_ / name, std::ios::binary) << text;
    return folder_ / name;
  }

  fs::path folder_;
};

TEST_F(ConfigFiles, ReadsConfDByName) {
  auto const main = put("sluice.yaml", kLeast);
  put("conf.d/20-b.yaml", "sources: [{name: b, folder: /srv/b}]\n");
  put("conf.d/10-a.yaml", "sources: [{name: a, folder: /srv/a}]\n");
  put("conf.d/.hidden.yaml", "nonsense: 1\n");
  put("conf.d/a.yaml.bak", "nonsense: 1\n");
  auto const loaded = load(main);
  ASSERT_EQ(errors_of(loaded), "");
  ASSERT_EQ(loaded->sources.size(), 3u);
  EXPECT_EQ(loaded->sources[1].name, "a");
  EXPECT_EQ(loaded->sources[2].name, "b");
  EXPECT_EQ(loaded->file, main.string());
}

TEST_F(ConfigFiles, HashCoversConfD) {
  auto const main = put("sluice.yaml", kLeast);
  auto const before = load(main)->hash;
  put("conf.d/a.yaml", "# nothing\n");
  EXPECT_NE(load(main)->hash, before);
}

TEST_F(ConfigFiles, SaysThatAFileIsMissing) {
  EXPECT_THAT(errors_of(load(folder_ / "none.yaml")),
              HasSubstr("none.yaml: cannot be read: No such file or directory; create it"));
}

TEST_F(ConfigFiles, RefusesAFolderAndAHugeFile) {
  EXPECT_THAT(errors_of(load(folder_)), HasSubstr("is a folder"));
  auto const huge = put("huge.yaml", "#" + std::string(2 * kFileBytesMax, 'x'));
  EXPECT_THAT(errors_of(load(huge)), HasSubstr("larger than 1 MiB"));
}

TEST_F(ConfigFiles, NamesTheFileOfConfDThatIsWrong) {
  auto const main = put("sluice.yaml", kLeast);
  put("conf.d/a.yaml", "sources: [\n");
  EXPECT_THAT(errors_of(load(main)), HasSubstr("conf.d/a.yaml:"));
}

// config/sluice.yaml documents the defaults; this keeps it from saying anything else.
TEST(Reference, LoadsAndSaysTheDefaults) {
  auto const loaded = load(fs::path(SLUICE_SOURCE_DIR) / "config" / "sluice.yaml");
  ASSERT_EQ(errors_of(loaded), "");
  auto const least =
      load_text("platform: {api_key: {credential: twelvelabs-api-key}}\nsources: [{name: drop, folder: /srv/drop}]\n");
  ASSERT_EQ(errors_of(least), "");
  auto const all_of = [](Config const& c) {
    auto const& l = c.platform.limits;
    auto const& s = c.sources.at(0);
    return std::tuple(
        std::tuple(c.platform.base_url, c.platform.api_key, c.platform.ca_file, c.platform.proxy, l.direct_video_bytes,
                   l.direct_image_bytes, l.multipart_video_bytes, l.multipart_image_bytes, l.list_lag, l.late_effect,
                   c.state_dir, c.pipelines.size()),
        std::tuple(s.name, s.folder, s.pipelines, s.recursive, s.include, s.exclude, s.settle, s.max_settle, s.priority,
                   s.poll_every),
        std::tuple(c.transfer.max_files, c.transfer.max_chunks, c.transfer.direct_max_bytes, c.transfer.verify,
                   c.transfer.url_renew_before, c.transfer.stall_below_bytes_per_s, c.transfer.stall_for),
        std::tuple(c.retry.initial, c.retry.max, c.retry.attempts, c.poll.min, c.poll.max, c.control_socket,
                   c.log.level, c.log.format));
  };
  EXPECT_EQ(all_of(*loaded), all_of(*least));
}

// The commented-out example is what people uncomment first.
TEST(Reference, HoldsAnExampleOfPipelinesThatLoads) {
  std::ifstream file(fs::path(SLUICE_SOURCE_DIR) / "config" / "sluice.yaml");
  std::string text;
  bool in_example = false;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("# Templates")) in_example = false;
    if (in_example && line.starts_with("#")) line.erase(0, 1);
    if (line == "pipelines: {}") {
      line = "pipelines:";
      in_example = true;
    }
    text += line + "\n";
  }
  auto const loaded = load_text(text);
  ASSERT_EQ(errors_of(loaded), "") << text;
  ASSERT_EQ(loaded->pipelines.size(), 2u);
  EXPECT_EQ(loaded->pipelines[0].name, "footage");
  EXPECT_TRUE(loaded->pipelines[1].entity);
}

}  // namespace
}  // namespace sluice::config
