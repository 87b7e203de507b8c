# frozen_string_literal: true

module Brood
  # What a SharedArray and a SharedValue have of a lock: their own one, which is recursive.
  # @private
  module OwnLock
    # Holds the lock for a block.
    def synchronize
      lock
      begin
        yield
      ensure
        unlock
      end
    end

    # @return [self, nil] nil when the time ran out
    # @raise [OwnerDied] when the process that held it died: see {#recover}
    def lock(timeout: nil)
      Low.shared_lock(@low, Runtime.owner, Runtime.milliseconds(timeout)) == false ? nil : self
    end

    # Takes the lock if nobody has it.
    # @return [Boolean]
    def try_lock
      Low.shared_lock(@low, Runtime.owner, 0) != false
    end

    # Gives the lock back.
    # @raise [StateError] when this thread does not hold it
    def unlock
      Low.shared_unlock(@low, Runtime.owner)
      self
    end

    # True while somebody holds it, dead holders included.
    def locked?
      Low.shared_locked(@low)
    end

    # Takes the lock of a holder that died: put right what it guards, then unlock.
    def recover
      Low.shared_recover(@low, Runtime.owner)
      self
    end
  end

  # An array of numbers in shared memory, for all processes and languages.
  #
  # Single elements are read and written atomically. {#view} is the memory itself.
  #
  # @example
  #   array = Brood::SharedArray.new(:double, 1_000_000)
  #   array[0] = 1.5
  #   array.add(0, 1.0)                       # atomically
  #   array.view.get_string(0, 16)            # an IO::Buffer, without a copy
  class SharedArray < Shared
    include Enumerable
    include OwnLock

    # Element type => its number, its letter of Array#pack.
    TYPES = {
      bool: [Low::TYPE_BOOL, "C"], char: [Low::TYPE_CHAR, "C"], wchar: [Low::TYPE_WCHAR, "L"],
      int8: [Low::TYPE_INT8, "c"], uint8: [Low::TYPE_UINT8, "C"], int16: [Low::TYPE_INT16, "s"],
      uint16: [Low::TYPE_UINT16, "S"], int32: [Low::TYPE_INT32, "l"], uint32: [Low::TYPE_UINT32, "L"],
      int64: [Low::TYPE_INT64, "q"], uint64: [Low::TYPE_UINT64, "Q"], float: [Low::TYPE_FLOAT, "f"],
      double: [Low::TYPE_DOUBLE, "d"]
    }.freeze
    NAMES = TYPES.to_h { |name, (number, _)| [number, name] }.merge(Low::TYPE_STRUCT => :struct).freeze
    private_constant :NAMES

    # @return [Symbol] what the elements are: :int64, :double, ...; :struct for other languages' records
    attr_reader :type

    # @param type [Symbol] one of TYPES
    # @param content [Integer, Enumerable] how many zeros, or the elements
    # @param lock [Boolean] with a lock of its own
    def initialize(type, content, lock: true)
      number, = TYPES.fetch(type) { raise ArgumentError, "type is #{type.inspect}; give one of #{TYPES.keys.join(', ')}" }
      Runtime.start
      values = content.is_a?(Integer) ? nil : content.to_a
      count = values ? values.size : content
      raise ArgumentError, "an array cannot have a negative size" if count.negative?

      adopt(Low.shared_create(number, count, Runtime.record("shared_options", no_lock: !lock)))
      self[0, count] = values if values
    end

    # @return [Integer]
    def size
      Low.shared_count(@low)
    end
    alias length size

    # An element, or an Array of some: `array[3]`, `array[2, 5]`, `array[2..]`.
    def [](index, count = nil)
      return read(*span(index, count)) if count || index.is_a?(Range)

      get(checked(index))
    end

    # Sets an element, or some: `array[2, 2] = [7, 8]`.
    def []=(index, count_or_value, values = nil)
      if values || index.is_a?(Range)
        first, count = span(index, values ? count_or_value : nil)
        write(first, count, (values || count_or_value).to_a)
      else
        set(checked(index), count_or_value)
      end
    end

    # Yields the elements as they were at the call.
    def each(&block)
      return enum_for(:each) { size } unless block

      read(0, size).each(&block)
      self
    end

    # Adds to an element atomically, without the lock.
    # @return [Numeric] what it was before
    def add(index, delta)
      index = checked(index)
      float? ? Low.shared_add_float(@low, index, delta) : out_of(Low.shared_add_int(@low, index, wrap(delta)))
    end

    # Sets an integer to `desired` if it is `expected`, atomically.
    # @return [Array(Boolean, Integer)] whether it was, and what it was
    def compare_exchange(index, expected, desired)
      before, exchanged = Low.shared_compare_exchange(@low, checked(index), into(expected), into(desired))
      [exchanged, out_of(before)]
    end

    # The elements themselves: changes are seen by all processes, at once.
    # @param read_only [Boolean] the kernel keeps this view from being written through
    # @return [IO::Buffer]
    def view(read_only: false)
      read_only ? Low.shared_read_only(@low) : Low.shared_bytes(@low)
    end

    # The bytes of all elements, as a String of its own.
    def to_s
      Low.shared_bytes(@low).get_string
    end

    def inspect
      "#<#{self.class.name} of #{size} #{type}>"
    end

    # @private
    def handles
      [Low.shared_handle(@low)]
    end

    # @private
    def self.take(msg, index)
      low = Low.msg_take_shared(msg, index)
      (Low.shared_count(low) == 1 ? SharedValue : SharedArray).allocate.tap { |array| array.send(:adopt, low) }
    end

    private

    def adopt(low)
      @low = low
      @type = NAMES.fetch(Low.shared_type(low))
    end

    def float?
      %i[float double].include?(@type)
    end

    def letter
      TYPES.fetch(@type) { raise Unsupported, "elements of type #{@type} are bytes to Ruby: use view" }.last
    end

    def get(index)
      float? ? Low.shared_get_float(@low, index) : out_of(Low.shared_get_int(@low, index))
    end

    def set(index, value)
      float? ? Low.shared_set_float(@low, index, value) : Low.shared_set_int(@low, index, into(value))
    end

    # UINT64 travels as the signed number with the same bits.
    def into(value)
      return (value ? 1 : 0) if @type == :bool
      return value.ord if %i[char wchar].include?(@type) && value.is_a?(String)

      raise RangeError, "#{value} is no uint64" if @type == :uint64 && !(0...1 << 64).cover?(value)

      wrap(value)
    end

    def wrap(value)
      value >= 1 << 63 && @type == :uint64 ? value - (1 << 64) : value
    end

    def out_of(value)
      return value == 1 if @type == :bool

      @type == :uint64 && value.negative? ? value + (1 << 64) : value
    end

    def checked(index)
      count = size
      raise IndexError, "index #{index} outside of array bounds: #{-count}...#{count}" unless (-count...count).cover?(index)

      index % count
    end

    def span(index, count)
      first, count = index.is_a?(Range) ? index.begin.to_i.then { |b| [b, nil] } : [index, count]
      first += size if first.negative?
      count ||= range_end(index) - first
      raise IndexError, "#{index.inspect} is outside of the array" if first.negative? || first + count > size

      [first, [count, 0].max]
    end

    def range_end(range)
      last = range.end || size
      last += size if last.negative?
      range.end && !range.exclude_end? ? last + 1 : last
    end

    def read(first, count)
      bytes = ("\0".b * (count * Low.shared_element_size(@low)))
      Low.shared_read(@low, first, count, bytes)
      values = bytes.unpack("#{letter}*")
      @type == :bool ? values.map { |value| value == 1 } : values
    end

    def write(first, count, values)
      raise ArgumentError, "#{values.size} values for #{count} elements" unless values.size == count

      values = values.map { |value| into(value) } unless float?
      Low.shared_write(@low, first, count, values.pack("#{letter}*"))
    end
  end

  # A single number in shared memory.
  #
  # @example
  #   counter = Brood::SharedValue.new(:int64)
  #   counter.increment
  #   counter.update { |n| n * 2 }
  class SharedValue < SharedArray
    def initialize(type, value = nil, lock: true)
      super(type, 1, lock: lock)
      self.value = value unless value.nil?
    end

    # Reads it, atomically.
    def value
      get(0)
    end

    # Sets it, atomically.
    def value=(value)
      set(0, value)
    end

    # Adds atomically.
    # @return [Numeric] what it is then
    def increment(delta = 1)
      add(0, delta) + delta
    end

    # Sets an integer to `desired` if it is `expected`.
    # @return [Boolean] whether it was
    def compare_and_set(expected, desired)
      compare_exchange(0, expected, desired).first
    end

    # Sets it to what the block makes of it, holding the lock.
    # @return [Numeric] what it is then
    def update
      synchronize { self.value = yield(value) }
    end

    def inspect
      "#<#{self.class.name} #{type} #{value}>"
    end
  end

  Codec::TAKERS[Low::HANDLE_SHARED] = ->(msg, indexes) { SharedArray.take(msg, indexes.getbyte(0)) }
end
