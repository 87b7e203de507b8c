# frozen_string_literal: true

require_relative "helper"
require "json"

# The MessagePack values that every language reads and writes.
class TestValues < Minitest::Test
  include Helper

  GOLDEN = JSON.parse(File.read(ENV.fetch("BROOD_GOLDEN") { File.expand_path("../../golden/values.json", __dir__) }))

  # Stands for the handles of a message.
  class FakeHandle < Brood::Shared
    attr_reader :handles

    def initialize(count)
      @handles = Array.new(count)
    end
  end

  def value_of(entry)
    value = entry.fetch("value")
    case entry.fetch("type")
    when "int" then Integer(value)
    when "float" then { "inf" => Float::INFINITY, "-inf" => -Float::INFINITY, "nan" => Float::NAN }.fetch(value) { Float(value) }
    when "binary" then [value].pack("H*")
    when "array" then value.map { |item| value_of(item) }
    when "map" then value.to_h { |pair| pair.map { |item| value_of(item) } }
    when "timestamp" then Time.at(value["seconds"], value["nanoseconds"], :nsec)
    when "handles" then FakeHandle.new(value.size)
    when "call"
      Brood::Call.new(value_of(value["arguments"]), value_of(value["keywords"]).transform_keys(&:to_sym))
    else value
    end
  end

  def same?(expected, actual)
    return actual.nan? if expected.is_a?(Float) && expected.nan?

    expected == actual && expected.class == actual.class && (!expected.is_a?(String) || expected.encoding == actual.encoding)
  end

  def plain
    GOLDEN.reject { |entry| JSON.generate(entry).include?('"handles"') }
  end

  def test_every_value_is_read
    plain.each do |entry|
      read = Brood::Codec.unpack([entry["hex"]].pack("H*"))
      assert same?(value_of(entry), read), "#{entry['name']}: #{read.inspect}"
    end
  end

  def test_every_value_is_written
    plain.reject { |entry| entry["read_only"] }.each do |entry|
      written, tag, handles = Brood::Codec.encode(value_of(entry))
      assert_equal entry["hex"], written.unpack1("H*"), entry["name"]
      assert_equal [Brood::Low::CODEC_MSGPACK, []], [tag, handles]
    end
  end

  def test_handles_are_written_as_indexes
    event = Brood::Event.new
    condition = Brood::Condition.new
    assert_equal "d40100", Brood::Codec.encode(event).first.unpack1("H*")
    assert_equal "81a57175657565d40100", Brood::Codec.encode({ "queue" => event }).first.unpack1("H*")
    data, _, handles = Brood::Codec.encode([event, condition])
    assert_equal ["92d40100d5010102", 3], [data.unpack1("H*"), handles.size]
  end

  def test_what_cannot_travel
    assert_raises(TypeError) { Brood::Codec.encode(Object.new) }
    assert_raises(RangeError) { Brood::Codec.encode(1 << 64) }
    assert_equal "a161", Brood::Codec.encode(:a).first.unpack1("H*")
    # A failure leaves nothing behind for the next value.
    assert_raises(TypeError) { Brood::Codec.encode([1, Object.new]) }
    assert_equal "01", Brood::Codec.encode(1).first.unpack1("H*")
    assert_raises(MessagePack::UnpackError) { Brood::Codec.unpack("\xc1".b) }
    assert_raises(Brood::ProtocolError) { Brood::Codec.unpack("\xd4\x01\x00".b) }
  end

  # A to_msgpack that sends something itself.
  class Sender
    def initialize(queue)
      @queue = queue
    end

    def to_msgpack(packer)
      @queue << "sent meanwhile"
      packer.write("sender")
    end
  end

  def test_packing_inside_packing
    queue = Brood::Queue.new
    queue << [1, Sender.new(queue), queue]
    assert_equal ["sent meanwhile", [1, "sender"]], [queue.pop, queue.pop.first(2)]
  end
end
