# frozen_string_literal: true

require "msgpack"

module Brood
  # Whatever lives in shared memory: it may stand anywhere inside a value that travels.
  class Shared
    # @private
    def handle
      handles.first
    end

    # The native handles that travel: most types have one.
    # @private
    def handles
      raise NotImplementedError
    end

    # For Marshal, inside brood's own messages.
    # @private
    def _dump(_level)
      Codec.attach_to_current(self)
    end

    # @private
    def self._load(indexes)
      Codec.take_from_current(indexes)
    end
  end

  # Arguments that need more than a plain value: keywords, or one argument that is an array.
  # @private
  Call = Struct.new(:arguments, :keywords)

  # Values as bytes: MessagePack, which every language reads; Marshal where both sides agreed to it.
  # @private
  module Codec
    HANDLE = 1 # extension: indexes of attached handles
    CALL = 2 # extension: positional arguments and keywords
    FACTORY = MessagePack::Factory.new
    FACTORY.register_type(-1, ::Time, packer: MessagePack::Time::Packer, unpacker: MessagePack::Time::Unpacker)

    TAGS = { msgpack: Low::CODEC_MSGPACK, marshal: Low::CODEC_NATIVE, raw: Low::CODEC_RAW }.freeze

    # Type of an attached handle => what makes an object of (message, indexes).
    TAKERS = {} # rubocop:disable Style/MutableConstant

    # A fiber's packer, and the handles that it met in the value at hand.
    class Encoder
      attr_accessor :handles, :busy

      def initialize
        @handles = nil
        @packer = new_packer
      end

      def pack(value)
        @packer.write(value).to_s
      ensure
        @packer.clear
      end

      def attach(shared)
        shared.handles.map do |handle|
          @handles << handle
          @handles.size - 1
        end.pack("C*")
      end

      private

      def new_packer
        packer = FACTORY.packer
        packer.register_type(HANDLE, Shared) { |shared| attach(shared) }
        packer.register_type(CALL, Call) { |call| new_packer.write([call.arguments, call.keywords]).to_s }
        packer
      end
    end

    # A fiber's unpacker, and the message whose handles the value at hand may name.
    class Decoder
      attr_reader :busy

      def initialize
        @unpacker = FACTORY.unpacker(allow_unknown_ext: true)
        @unpacker.register_type(HANDLE) { |indexes| Codec.take(@msg, indexes) }
        @unpacker.register_type(CALL) do |payload|
          arguments, keywords = Codec.unpack(payload, @msg)
          Call.new(arguments, keywords.transform_keys(&:to_sym))
        end
      end

      def unpack(data, msg)
        @busy = true
        @msg = msg
        @unpacker.feed_reference(data)
        value = @unpacker.full_unpack
        @whole = true
        value
      ensure
        # What is left of a broken value is not the beginning of the next one.
        @unpacker.reset unless @whole
        @msg = nil
        @whole = @busy = false
      end
    end

    @marshal_allowed = false

    class << self
      # Lets this process load what others dumped.
      attr_writer :marshal_allowed

      # The codec's tag.
      def tag(codec)
        TAGS.fetch(codec) { raise ArgumentError, "codec is #{codec.inspect}; give one of #{TAGS.keys.join(', ')}" }
      end

      # The bytes of a value, their tag, and the handles in it.
      def encode(value, codec = :msgpack)
        return [String(value), Low::CODEC_RAW, []] if codec == :raw

        encoder = (Thread.current[:brood_encoder] ||= Encoder.new)
        encoder = Encoder.new if encoder.busy # a to_msgpack that sends something itself
        encoder.busy = true
        encoder.handles = []
        data = codec == :marshal ? dump(value, encoder) : encoder.pack(value).freeze
        [data, tag(codec), encoder.handles]
      rescue NoMethodError => e
        raise unless e.name == :to_msgpack

        raise TypeError, "a #{e.receiver.class} cannot travel as MessagePack: send numbers, text, arrays, hashes, times " \
                         "and objects of brood, or agree to codec: :marshal"
      ensure
        encoder.busy = false if encoder
      end

      # A native message of its own, with its handles attached.
      def message(data, tag, handles)
        msg = Low.msg_create(data, tag)
        handles.each { |handle| Low.msg_attach(msg, handle) }
        msg
      end

      # The value in a native message, which is given back.
      def decode(msg, marshal: false)
        tag = Low.msg_codec(msg)
        data = Low.msg_copy(msg)
        case tag
        when Low::CODEC_MSGPACK then unpack(data, msg)
        when Low::CODEC_RAW then data
        when Low::CODEC_TEXT then data.force_encoding(Encoding::UTF_8)
        else load(data, msg, marshal)
        end
      end

      def unpack(data, msg = nil)
        decoder = (Thread.current[:brood_decoder] ||= Decoder.new)
        decoder = Decoder.new if decoder.busy # a value inside a value
        decoder.unpack(data, msg)
      end

      # The object of an attached handle.
      def take(msg, indexes)
        index = indexes.getbyte(0)
        if msg.nil? || index.nil? || index >= Low.msg_handle_count(msg)
          raise ProtocolError, "the value names a handle that did not come with it"
        end

        taker = TAKERS.fetch(Low.msg_handle_type(msg, index)) do
          raise ProtocolError, "the value names a handle that was taken already"
        end
        taker.call(msg, indexes)
      end

      def attach_to_current(shared)
        encoder = Thread.current[:brood_marshaling]
        raise TypeError, "a #{shared.class} travels inside brood's messages only" unless encoder

        encoder.attach(shared)
      end

      def take_from_current(indexes)
        take(Thread.current[:brood_loading], indexes)
      end

      private

      def dump(value, encoder)
        before = Thread.current[:brood_marshaling]
        Thread.current[:brood_marshaling] = encoder
        Marshal.dump(value).freeze
      ensure
        Thread.current[:brood_marshaling] = before
      end

      def load(data, msg, marshal)
        unless marshal || @marshal_allowed
          raise ProtocolError, "a marshaled value came in, and this process was not told to load them: Brood.enable_marshal"
        end
        raise ProtocolError, "the value is in another language's own serialisation" unless data.start_with?("\x04\b".b)

        before = Thread.current[:brood_loading]
        Thread.current[:brood_loading] = msg
        begin
          Marshal.load(data) # rubocop:disable Security/MarshalLoad
        ensure
          Thread.current[:brood_loading] = before
        end
      end
    end
  end

  # Lets this process load values that others marshaled: only among programs that may run code here.
  def self.enable_marshal
    Codec.marshal_allowed = true
  end
end
