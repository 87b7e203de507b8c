# frozen_string_literal: true

module Brood
  # One end of a pipe for values. It travels inside values, and several processes may hold the same end.
  #
  # @example
  #   ours, theirs = Brood::Pipe.open
  #   pool.submit(:answer, theirs)
  #   ours.write("what is it?")
  #   ours.read
  class Pipe < Shared
    include Enumerable

    # Two connected ends, each for reading and writing. With `duplex: false` the first one only reads and the second
    # one only writes, like IO.pipe.
    # @return [Array(Pipe, Pipe)]
    def self.open(duplex: true, codec: :msgpack)
      Runtime.start
      Low.pipe_create(duplex).map { |low| new(low, codec) }
    end

    private_class_method :new

    # @private
    def initialize(low, codec)
      @low = low
      @codec = codec
    end

    # Sends a value; waits while 1 MiB is on its way.
    # @return [Pipe, nil] nil when the time ran out
    # @raise [ClosedError] when the other end is gone
    def write(value, timeout: nil)
      data, tag, handles = Codec.encode(value, @codec)
      wait = Runtime.milliseconds(timeout)
      sent = if handles.empty?
               Low.pipe_send(@low, data, tag, wait)
             else
               Low.pipe_send_msg(@low, Codec.message(data, tag, handles), wait)
             end
      sent == false ? nil : self
    end
    alias << write

    # Receives the next value.
    # @raise [EOFError] when the other end is gone and all was read
    # @raise [TimeoutError]
    def read(timeout: nil)
      msg = receive(timeout)
      value = Codec.decode(msg, marshal: @codec == :marshal)
      Low.release_handle(msg)
      value
    end

    # Sends bytes as they are: a String or an IO::Buffer.
    def write_bytes(bytes, timeout: nil)
      Low.pipe_send(@low, bytes, Low::CODEC_RAW, Runtime.milliseconds(timeout)) == false ? nil : self
    end

    # Receives a message's bytes, whatever they are.
    # @return [String]
    def read_bytes(timeout: nil)
      msg = receive(timeout)
      bytes = Low.msg_copy(msg)
      Low.release_handle(msg)
      bytes
    end

    # Receives a message's bytes into an IO::Buffer.
    # @return [Integer] how many they are
    # @raise [TooBig] when they do not fit; the message stays
    def read_into(buffer, timeout: nil)
      size = buffer.locked { Low.pipe_recv_into(@low, buffer, Runtime.milliseconds(timeout)) }
      raise TimeoutError, "no message came within #{timeout} seconds" if size == false

      size.first
    rescue ClosedError
      raise EOFError, "end of pipe reached"
    end

    # Yields values until the other end is gone.
    def each
      return enum_for(:each) unless block_given?

      loop do
        begin
          value = read
        rescue EOFError
          return self
        end
        yield value
      end
    end

    # @return [Boolean] whether {#read} has an answer, after at most `timeout` seconds
    def ready?(timeout = 0)
      Low.pipe_poll(@low, Runtime.milliseconds(timeout)) != false
    end

    # Ends both directions for everyone; what was sent can still be read.
    def shutdown
      Low.pipe_shutdown(@low)
      self
    end

    # Gives this end back; when nobody holds it any more, the other end hears of it.
    def close
      @closed = true
      Low.release_handle(@low)
      nil
    end

    def closed?
      @closed ? true : false
    end

    # For IO.select: readable while {#read} has an answer.
    def to_io
      Wait.io(self)
    end

    # @private
    def handles
      [Low.pipe_handle(@low)]
    end

    # @private
    def self.take(msg, index)
      new(Low.msg_take_pipe(msg, index), :msgpack)
    end

    private

    def receive(timeout)
      msg = Low.pipe_recv(@low, Runtime.milliseconds(timeout))
      raise TimeoutError, "no message came within #{timeout} seconds" if msg == false

      msg
    rescue ClosedError
      raise EOFError, "end of pipe reached"
    end
  end

  Codec::TAKERS[Low::HANDLE_PIPE] = ->(msg, indexes) { Pipe.take(msg, indexes.getbyte(0)) }
end
