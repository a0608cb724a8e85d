namespace Mahavishnu.Benchmarks;

/// <summary>Numbers drawn from a key: the same on every machine and in every version of .NET, and of each row without those before it.</summary>
internal struct Draws(ulong seed, long key)
{
    private ulong _state = Mix(seed ^ Mix((ulong)key));

    public ulong Next() => Mix(_state += 0x9E3779B97F4A7C15);

    /// <summary>0 to below 1.</summary>
    public double Share() => (Next() >> 11) * (1.0 / (1UL << 53));

    public int Below(int end) => (int)(Share() * end);

    /// <summary>Normally distributed, by Box and Muller.</summary>
    public float Normal() => (float)(Math.Sqrt(-2 * Math.Log(1 - Share())) * Math.Cos(2 * Math.PI * Share()));

    private static ulong Mix(ulong x)
    {
        x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9;
        x = (x ^ (x >> 27)) * 0x94D049BB133111EB;
        return x ^ (x >> 31);
    }
}
